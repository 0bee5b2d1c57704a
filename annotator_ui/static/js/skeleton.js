/**
 * The 17 keypoints as the page needs them: names, sides, edges, words. The Python twin is `datasets/skeleton.py`;
 * tests/browser/test_modules.py compares the two.
 */

export const KEYPOINTS = [
  "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
  "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
  "right_ankle",
];

export const EDGES = [
  ["left_ankle", "left_knee"], ["left_knee", "left_hip"], ["right_ankle", "right_knee"], ["right_knee", "right_hip"],
  ["left_hip", "right_hip"], ["left_shoulder", "left_hip"], ["right_shoulder", "right_hip"],
  ["left_shoulder", "right_shoulder"], ["left_shoulder", "left_elbow"], ["right_shoulder", "right_elbow"],
  ["left_elbow", "left_wrist"], ["right_elbow", "right_wrist"], ["left_eye", "right_eye"], ["nose", "left_eye"],
  ["nose", "right_eye"], ["left_eye", "left_ear"], ["right_eye", "right_ear"], ["left_ear", "left_shoulder"],
  ["right_ear", "right_shoulder"],
];

/** "left", "right" or "centre": the character's own side. */
export const sideOf = (name) => (name.startsWith("left_") ? "left" : name.startsWith("right_") ? "right" : "centre");

/** "right_ear" for "left_ear" and the other way round; null in the middle. */
export const twinOf = (name) => (sideOf(name) === "centre" ? null
  : name.replace(/^(?:left|right)/, (side) => (side === "left" ? "right" : "left")));

/** "right_ear" -> "right ear". */
export const wordsOf = (name) => name.replaceAll("_", " ");
