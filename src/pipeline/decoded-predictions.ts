// The predictions that an evaluation has kept, as lists. Has no Node: pages of reports decode them too.
import { fromLogits } from "../evaluation/rows";
import type { EvaluatedImages, PredictionsRecord } from "./predictions";

/** Labels and probabilities of a set of images, as `predict` returns them. */
export interface Predicted {
	yTrue: number[];
	yPred: number[];
	probabilities: number[][];
	logProbabilities: number[][];
}

/** What all figures are computed from. */
export interface Evidence extends Omit<EvaluatedImages, "test" | "valid"> {
	test: Predicted;
	valid: Predicted;
}

/** Decodes predictions, of a file or of a page. */
export function decoded({ test, valid, properties, ...rest }: Omit<PredictionsRecord, "model">): Evidence {
	const predicted = ({ yTrue, logits }: PredictionsRecord["test"]): Predicted => {
		const labels = [...new Uint16Array(bytesOf(yTrue))];
		const outputs = new Float32Array(bytesOf(logits));
		const classes = rest.classNames.length;
		const rows = labels.map((_, i) => fromLogits([...outputs.subarray(i * classes, (i + 1) * classes)]));
		return {
			yTrue: labels,
			yPred: rows.map(({ label }) => label),
			probabilities: rows.map(({ probabilities }) => probabilities),
			logProbabilities: rows.map(({ logProbabilities }) => logProbabilities),
		};
	};
	const columns = Object.entries(properties).map(([name, values]) => [name, new Float32Array(bytesOf(values))]);
	return { ...rest, test: predicted(test), valid: predicted(valid), properties: Object.fromEntries(columns) };
}

/** Returns the bytes that a text in base64 holds. */
export const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
