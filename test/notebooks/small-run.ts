// A small data set with broken files, and the hyperparameters with which notebooks run on it in little time.
import { readFileSync } from "node:fs";
import { makeSampleDataset } from "../../tools/data/sample-dataset";

/** Arguments of `npm run report`. */
export const smallRun = ["--epochs", "2", "--batch-size", "8", "--image-size", "48", "-p", "seed=7"];

/** Makes the data set in a folder: 64 training images of two classes, 24 of each other split, 10 broken files. */
export const makeSmallDataset = (folder: string) =>
	makeSampleDataset(folder, { counts: { train: 64, valid: 24, test: 24 } });

export const readJson = (file: string) => JSON.parse(readFileSync(file, "utf8"));
