// Everything the notebooks import, in one place.
export * from "./artifacts";
export * from "./augmentation";
export * from "./calibration";
export * from "./chart";
export * from "./cleaning";
export * from "./cnn";
export * from "./datasets";
export * from "./display";
export * from "./gradcam";
export * from "./issues";
export * from "./kernel";
export * from "./metrics";
export * from "./prediction";
export * from "./table";
export * from "./training";
export * from "./tuning";
export * from "./widgets";
