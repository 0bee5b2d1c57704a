"""What the data is: the skeleton, the file formats, the drawn characters.

Here live the facts and pure transformations of datasets of illustrated characters: the names and order of keypoints,
AnimeDrawingsDataset and COCO files in and out, safe reading of pictures, masks, and procedural characters with known
joints. Nothing here opens a database, speaks HTTP or runs a network, and nothing here imports a room of ours.
"""
