// Prediction sets of the model that was trained last.
import { type Conformal, fitConformal, predictionSets, withTemperature } from "../../src/metrics";
import { decoded } from "../../src/pipeline/decoded-predictions";
import { loadPredictions } from "../../src/pipeline/predictions";
import type { ModelRecord } from "../../src/pipeline/records";

/**
 * Fits prediction sets on what the model predicted for the validation images, which the evaluation has kept.
 *
 * @param temperature that of the calibrated probabilities; null where none was fitted
 * @throws when there are no such predictions
 */
export function fittedSets(
	artifacts: string,
	record: ModelRecord,
	temperature: number | null,
	coverage: number,
): Conformal {
	const predictions = loadPredictions(artifacts, record);
	if (!predictions)
		throw new Error("--coverage needs the predictions of the validation images: npm run report -- 05 keeps them");
	const { yTrue, logProbabilities } = decoded(predictions).valid;
	const conformal = fitConformal(yTrue, withTemperature(logProbabilities, temperature ?? 1), { coverage });
	if (conformal.thresholds.includes(Number.POSITIVE_INFINITY))
		console.error(
			`${yTrue.length} validation images are too few for a coverage of ${coverage}: each set has all classes`,
		);
	return conformal;
}

/** Returns the function from probabilities to the names of the classes in their set. */
export const setsOf = (conformal: Conformal, classNames: string[]) => (probabilities: number[]) =>
	predictionSets([probabilities], conformal)[0].map((label) => classNames[label]);
