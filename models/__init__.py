"""What predicts: from known joints or from pixels to keypoints, masks and tags.

Here live the predictors, their fitting and their metrics; the only room where torch may load, and only inside the
modules that run a network, so that `import models.geometry` stays quick. Reads local files only; it never opens the
database and never speaks HTTP.
"""
