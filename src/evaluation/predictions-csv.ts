// Predictions as CSV. Loads no TensorFlow: the exported page uses it too.
import { unparse } from "papaparse";
import type { ImagePrediction } from "./predict-images";

/**
 * Text that a spreadsheet would run as a formula: it gets an apostrophe in front. So does text that has one or more
 * already; without the first apostrophe each reads as it was.
 */
const FORMULA = /^'*[=+\-@＝＋－＠\t\r\n]/;

/** A prediction, with a threshold whether it is a sure one, and with a coverage the classes that the image may have. */
export type Prediction = ImagePrediction & { sure?: boolean; set?: string[] };

/**
 * Converts predictions to CSV: path, label, probability, the probability of each class, error, and `sure` and `set`, a JSON list,
 * if they have them.
 *
 * @param classNames names of the classes, in the order of `probabilities`
 */
export function predictionsCsv(predictions: Prediction[], classNames: string[]): string {
	const extra = (["sure", "set"] as const).filter((name) => predictions.some((row) => row[name] !== undefined));
	const fields = ["path", "label", "probability", ...classNames, "error", ...extra];
	const data = predictions.map(({ path, label, probability, probabilities, error, ...rest }) => {
		const columns = classNames.map((_, i) => probabilities[i] ?? null);
		const values = extra.map((name) => (name === "set" && rest.set ? JSON.stringify(rest.set) : rest[name]));
		return [path, label, probability, ...columns, error, ...values];
	});
	return unparse({ fields, data }, { newline: "\n", escapeFormulae: FORMULA });
}
