// Checks that models and data sets have the same classes.
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { type Classes, requireSameClasses } from "../datasets/classes";
import type { Batch, ImageDataset } from "../datasets/types";

/** Returns the classes of a dataset; null if it has none, as after `map` and other transformations of `tf.data`. */
export function classesOf(data: tf.data.Dataset<Batch>): Classes | null {
	const { classNames, directory = "the data" } = data as Partial<ImageDataset>;
	return classNames ? { classNames, of: directory } : null;
}

/** Returns the names of the classes that a model was trained on, which are saved with it; undefined if unknown. */
export const trainedClassNames = (model: tf.LayersModel) =>
	(model.getUserDefinedMetadata() as { classNames?: string[] } | undefined)?.classNames;

/** Records the classes that a model is trained on. */
export function recordClasses(model: tf.LayersModel, { classNames }: Classes): void {
	model.setUserDefinedMetadata({ ...model.getUserDefinedMetadata(), classNames });
}

/**
 * Checks that a model has one output per class (a single output, sigmoid, is for two classes), and that it was not trained
 * on other classes.
 *
 * @param classes the classes of the data; null if unknown, which is not checked
 * @throws when their number or a name differs
 */
export function requireModelClasses(model: tf.LayersModel, classes: Classes | null): void {
	if (!classes) return;
	const trained = trainedClassNames(model);
	if (trained) requireSameClasses({ classNames: trained, of: "the trained model" }, classes);
	const [{ shape }] = model.outputs;
	requireOutputs(shape[shape.length - 1], classes.classNames);
}

/** @throws when there is not one output per class; a single one is for two */
export function requireOutputs(outputs: number | null, classNames: string[]): void {
	if ((outputs === 1 ? 2 : outputs) === classNames.length) return;
	throw new Error(
		`the model has ${outputs} output${outputs === 1 ? "" : "s"}, but there are ${classNames.length} classes: ` +
			`${classNames.join(", ")}; build the model with as many outputs as classes`,
	);
}
