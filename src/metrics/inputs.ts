// Labels of samples: which there are, and whether predictions fit them.

/** The different labels, ascending. */
export function labelsOf(...lists: ArrayLike<number>[]): number[] {
	return [...new Set(lists.flatMap((labels) => Array.from(labels)))].sort((a, b) => a - b);
}

/** @throws when there is not one prediction for each label, or none at all; `name` is what the predictions are called */
export function requireSameLength(yTrue: ArrayLike<number>, predictions: ArrayLike<unknown>, name: string): void {
	if (yTrue.length === predictions.length && yTrue.length > 0) return;
	throw new Error(
		`yTrue has ${yTrue.length} labels and ${name} ${predictions.length}: expected one of each per sample`,
	);
}

/** @throws when a model has another number of outputs than there are classes; one output can tell two apart */
export function requireSameClasses(model: { outputs: { shape: (number | null)[] }[] }, classNames?: string[]): void {
	const [{ shape }] = model.outputs;
	const outputs = shape[shape.length - 1];
	const tells = outputs === 1 ? 2 : outputs;
	if (!classNames || tells === classNames.length) return;
	throw new Error(
		`the model tells ${tells} classes apart, but there are ${classNames.length}: ${classNames.join(", ")}`,
	);
}
