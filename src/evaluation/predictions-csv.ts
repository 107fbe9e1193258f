// Predictions as CSV. Loads no TensorFlow: the exported page uses it too.
import { unparse } from "papaparse";
import type { ImagePrediction } from "./predict-images";

/**
 * Text that a spreadsheet would run as a formula: it gets an apostrophe in front. So does text that has one or more
 * already; without the first apostrophe each reads as it was.
 */
const FORMULA = /^'*[=+\-@＝＋－＠\t\r\n]/;

/** A prediction, and what else was asked for; null and empty where the file cannot be read. */
export interface Prediction extends ImagePrediction {
	/** Whether its probability reaches the threshold. */
	sure?: boolean;
	/** Classes that the image may have. */
	set?: string[];
	/** Whether the image is unlike the training images. */
	stranger?: boolean | null;
	/** Distance to the training images. */
	distance?: number | null;
	/** Paths of the nearest training images. */
	nearest?: string[];
}

/**
 * Converts predictions to CSV: path, label, probability, the probability of each class, error, and what else they have; `set`
 * and `nearest` are JSON lists.
 *
 * @param classNames names of the classes, in the order of `probabilities`
 */
export function predictionsCsv(predictions: Prediction[], classNames: string[]): string {
	const extra = (["sure", "set", "stranger", "distance", "nearest"] as const).filter((name) =>
		predictions.some((row) => row[name] !== undefined),
	);
	const fields = ["path", "label", "probability", ...classNames, "error", ...extra];
	const data = predictions.map(({ path, label, probability, probabilities, error, ...rest }) => {
		const columns = classNames.map((_, i) => probabilities[i] ?? null);
		const values = extra.map((name) => (Array.isArray(rest[name]) ? JSON.stringify(rest[name]) : rest[name]));
		return [path, label, probability, ...columns, error, ...values];
	});
	return unparse({ fields, data }, { newline: "\n", escapeFormulae: FORMULA });
}
