// Everything the notebooks import, in one place.
export * from "./artifacts";
export * from "./augmentation";
export * from "./cleaning";
export * from "./cnn";
export * from "./datasets";
export * from "./display";
export * from "./metrics";
export * from "./training";
