// Data cleaning: removes corrupt images and finds duplicates, leakage, label conflicts and other issues.
// Corrupt files move to a quarantine, from which they can be restored.
// Start with cleaning/clean.ts (corrupt files) and cleaning/issues.ts (everything else).
export { type Check, THRESHOLDS } from "./cleaning/checks";
export { type CleanOptions, cleanTheData } from "./cleaning/clean";
export type { DuplicateSet } from "./cleaning/duplicates";
export { hasReadableHeader, passesVerify } from "./cleaning/header";
export { type FindIssuesOptions, findIssues, type Issues } from "./cleaning/issues";
export { quarantined, quarantinePath, type RemovedFile, restore } from "./cleaning/quarantine";
export { type Reason, type Verified, type VerifyOptions, verifyImage, verifyImages } from "./cleaning/verify";
export { formatOfFile, MAX_PIXELS } from "./images/formats";
export { type ImageProperties, imageProperties } from "./images/properties";
export type { FileProgress, OnFileProgress } from "./support/progress";
