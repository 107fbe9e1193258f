// Predictions as CSV. Loads no TensorFlow: the exported page uses it too.
import { unparse } from "papaparse";
import type { ImagePrediction } from "./predict-images";

/**
 * Text that a spreadsheet would run as a formula: it gets an apostrophe in front. So does text that has one or more
 * already; without the first apostrophe each reads as it was.
 */
const FORMULA = /^'*[=+\-@＝＋－＠\t\r\n]/;

/** A prediction, and with a threshold whether it is a sure one. */
export type Prediction = ImagePrediction & { sure?: boolean };

/**
 * Converts predictions to CSV: path, label, probability, the probability of each class, error, and `sure` if they have it.
 *
 * @param classNames names of the classes, in the order of `probabilities`
 */
export function predictionsCsv(predictions: Prediction[], classNames: string[]): string {
	const isWithSure = predictions.some(({ sure }) => sure !== undefined);
	const fields = ["path", "label", "probability", ...classNames, "error", ...(isWithSure ? ["sure"] : [])];
	const data = predictions.map(({ path, label, probability, probabilities, error, sure }) => {
		const columns = classNames.map((_, i) => probabilities[i] ?? null);
		return [path, label, probability, ...columns, error, ...(isWithSure ? [sure] : [])];
	});
	return unparse({ fields, data }, { newline: "\n", escapeFormulae: FORMULA });
}
