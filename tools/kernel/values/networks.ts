// Networks, layers and optimizers of TensorFlow.js.
import { inspect } from "node:util";
import { counted } from "../../../src/support/format";
import { hasMethods, type Kind, tableBelow } from "./kind";

interface Layer {
	name: string;
	trainable: boolean;
	outputShape: Shape | Shape[];
	countParams(): number;
	getClassName(): string;
	getConfig(): object;
}

interface LayersModel extends Layer {
	layers: Layer[];
	optimizer?: Optimizer;
	loss?: unknown;
	summary(lineLength: undefined, positions: undefined, print: (line: string) => void): void;
}

interface Optimizer {
	getConfig(): object;
	getClassName(): string;
}

type Shape = (number | null)[];

export const models: Kind<LayersModel> = {
	is: (value): value is LayersModel =>
		Array.isArray((value as Partial<LayersModel>).layers) &&
		hasMethods(value, "summary", "countParams", "getClassName"),
	line: (model) => {
		return `${model.getClassName()} ${model.name}: ${counted(model.layers.length, "layer")}, ${parametersOf(model)}`;
	},
	bundle(model) {
		const { optimizer, loss } = model;
		const how = typeof loss === "string" ? `, ${loss}` : "";
		const lines = [models.line(model), ...(optimizer ? [`Compiled: ${optimizers.line(optimizer)}${how}`] : [])];
		const table = tableBelow(lines, model.layers.map(rowOf));
		try {
			// The text is aligned, as Keras's.
			model.summary(undefined, undefined, (line) => lines.push(line));
			return { ...table, "text/plain": lines.join("\n") };
		} catch {
			// Without an input shape it has no table of its own before it is called.
			return table;
		}
	},
};

export const layers: Kind<Layer> = {
	is: (value): value is Layer => hasMethods(value, "getConfig", "getClassName", "countParams", "apply"),
	line: (layer) =>
		[`${layer.getClassName()} ${layer.name}`, shapeOf(layer), parametersOf(layer)].filter(Boolean).join(", "),
};

export const optimizers: Kind<Optimizer> = {
	is: (value): value is Optimizer => hasMethods(value, "getConfig", "getClassName", "applyGradients"),
	line: (optimizer) => `${optimizer.getClassName()} ${inspect(optimizer.getConfig())}`,
};

function rowOf(layer: Layer): object {
	const parameters = countOf(layer);
	const row = { layer: layer.name, type: layer.getClassName(), output: shapeOf(layer), parameters };
	return { ...row, trainable: parameters ? (layer.trainable ? "yes" : "no") : "" };
}

function parametersOf(layer: Layer): string {
	const count = countOf(layer);
	return count === null ? "not built yet" : counted(count, "parameter");
}

/** The number of parameters, or null before the shape of the input is known. */
function countOf(layer: Layer): number | null {
	try {
		return layer.countParams();
	} catch {
		return null;
	}
}

/** The shape of what a layer returns. Empty where it is not known or differs between the places it is used in. */
function shapeOf(layer: Layer): string {
	try {
		const { outputShape } = layer;
		const shapes = (Array.isArray(outputShape[0]) ? outputShape : [outputShape]) as Shape[];
		return shapes.map((shape) => `[${shape.map((size) => size ?? "any").join(", ")}]`).join(", ");
	} catch {
		return "";
	}
}
