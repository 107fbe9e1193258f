// The hyperparameters of the pipeline: type, default, range and meaning of each. No imports.
//
// The command line, the tuning panel and the validation of search spaces read this table. The `parameters` cells of the
// notebooks repeat defaults and descriptions, since papermill reads literals; test/pipeline/parameters.test.ts compares
// them, and the defaults of `cnn`, `compile` and `train`.

/** Declaration of a number, with the keywords of JSON Schema. */
interface NumberParameter {
	type: "integer" | "number";
	default: number;
	/** Description for `--help` and the notebooks, one line. */
	description: string;
	minimum?: number;
	exclusiveMinimum?: number;
	exclusiveMaximum?: number;
	/** Values that the tuning panel offers: a list, or the range of a slider. Default: none. */
	control?: readonly number[] | { min: number; max: number; step?: number; log?: boolean };
}

/** Declaration of a boolean. */
interface BooleanParameter {
	type: "boolean";
	default: boolean;
	description: string;
	/** Whether the tuning panel offers the parameter. Default: not. */
	control?: true;
}

/** Declaration of a text. */
interface TextParameter {
	type: "string";
	default: string;
	description: string;
	/** The names to choose from. */
	names: readonly string[];
	/** Whether a path or address will do as well; but not in a message from elsewhere. Default: not. */
	orFile?: true;
}

type Parameter = NumberParameter | BooleanParameter | TextParameter;

const declare = <T extends Record<string, Parameter>>(parameters: T) => parameters;

/** Declarations of the pipeline's hyperparameters by name. */
export const PARAMETERS = declare({
	imageSize: {
		type: "integer",
		default: 64,
		exclusiveMinimum: 0,
		description: "width and height in pixels that images are resized to",
	},
	batchSize: {
		type: "integer",
		default: 32,
		exclusiveMinimum: 0,
		description: "images per batch",
		control: [16, 32, 64, 128],
	},
	epochs: {
		type: "integer",
		default: 5,
		exclusiveMinimum: 0,
		description: "maximum number of epochs",
		control: { min: 1, max: 20 },
	},
	learningRate: {
		type: "number",
		default: 0.001,
		exclusiveMinimum: 0,
		description: "learning rate of Adam",
		control: { min: 1e-5, max: 1e-1, log: true },
	},
	patience: {
		type: "integer",
		default: 2,
		minimum: 0,
		description: "epochs without improvement before training stops",
	},
	seed: { type: "integer", default: 42, minimum: 0, description: "random seed: runs are reproducible" },
	augment: {
		type: "boolean",
		default: true,
		description: "whether training images are flipped, rotated and zoomed at random",
		control: true,
	},
	dropout: {
		type: "number",
		default: 0.4,
		minimum: 0,
		exclusiveMaximum: 1,
		description: "fraction of the hidden units dropped at each training step",
		control: { min: 0, max: 0.8, step: 0.1 },
	},
	backbone: {
		type: "string",
		default: "none",
		names: ["none", "efficientnet-lite0", "efficientnet-lite2"],
		orFile: true,
		description:
			"pretrained network in place of the CNN: efficientnet-lite0, or a TensorFlow.js model's folder; or none",
	},
	precision: {
		type: "string",
		default: "float32",
		names: ["float32", "mixed_bfloat16", "auto"],
		description: "float32 or mixed_bfloat16; auto: mixed_bfloat16 where the processor multiplies it, float32 elsewhere",
	},
});

/** Defaults where a backbone is chosen: images of a size that it is made for, and epochs for its new last layer. */
const BACKBONE_DEFAULTS = { imageSize: 160, epochs: 30, patience: 3, dropout: 0.2 };

/** Hyperparameters of a training run, by the names of `PARAMETERS`. */
export type TrainingParameters = {
	[name in keyof typeof PARAMETERS]: (typeof PARAMETERS)[name] extends BooleanParameter
		? boolean
		: (typeof PARAMETERS)[name] extends TextParameter
			? string
			: number;
};

/** Default values of all hyperparameters. */
export const DEFAULT_PARAMETERS = Object.fromEntries(
	Object.entries(PARAMETERS).map(([name, parameter]) => [name, parameter.default]),
) as TrainingParameters;

/** Adds the defaults of a backbone to given hyperparameters, if one is chosen. */
export const withBackboneDefaults = <T extends { backbone?: unknown }>(given: T): T =>
	(given.backbone ?? "none") === "none" ? given : { ...BACKBONE_DEFAULTS, ...given };

/** Returns all hyperparameters: those that are given, and the defaults of the others. */
export const allParameters = (given: object): TrainingParameters => ({
	...DEFAULT_PARAMETERS,
	...withBackboneDefaults(given),
});

/**
 * Validates a value of a hyperparameter.
 *
 * @returns the expected type and range, for example `"a whole number above 0"`; null when the value is valid
 */
export function expectedValue(name: keyof TrainingParameters, value: unknown): string | null {
	const parameter: Parameter = PARAMETERS[name];
	if (parameter.type === "boolean") return typeof value === "boolean" ? null : "true or false";
	if (parameter.type === "string") {
		const { names, orFile } = parameter;
		const isValid = orFile ? typeof value === "string" && value : names.includes(value as string);
		return isValid ? null : orFile ? "a text" : names.join(", ");
	}
	const { type, minimum = Number.NEGATIVE_INFINITY, exclusiveMinimum = Number.NEGATIVE_INFINITY } = parameter;
	const { exclusiveMaximum = Number.POSITIVE_INFINITY } = parameter;
	const isNumber = type === "integer" ? Number.isInteger(value) : Number.isFinite(value);
	const number = value as number;
	if (isNumber && number >= minimum && number > exclusiveMinimum && number < exclusiveMaximum) return null;
	const kind = type === "integer" ? "a whole number" : "a number";
	const from = parameter.minimum === undefined ? ` above ${exclusiveMinimum}` : ` of ${minimum} or more`;
	return `${kind}${from}${parameter.exclusiveMaximum === undefined ? "" : ` and below ${exclusiveMaximum}`}`;
}
