// The kinds of values that are shown without their internals.
import { inspect } from "node:util";
import type { Kind } from "./kind";
import { layers, models, optimizers } from "./networks";
import { layerVariables, symbolicTensors, tensors, typedArrays } from "./tensors";
import { datasets, histories } from "./training";

/** In the order in which they are tried: a model is a layer too. */
const KINDS = [
	...[tensors, layerVariables, symbolicTensors, typedArrays],
	...[models, layers, optimizers, datasets, histories],
] as unknown as Kind[];

/** Returns the kind of a value, if it is one of them. */
export function kindOf(value: object): Kind | undefined {
	try {
		return KINDS.find((kind) => kind.is(value));
	} catch {
		// A getter that throws is none of a kind.
		return undefined;
	}
}

/** What TensorFlow.js exports, as far as its instances are of these kinds. */
interface TensorFlow {
	Tensor?: Class;
	LayerVariable?: Class;
	SymbolicTensor?: Class;
	layers?: { Layer?: Class };
	Optimizer?: Class;
	History?: Class;
	data?: { Dataset?: Class };
}
type Class = { prototype: object };

/** Makes `console.log` and whatever else inspects values show those of TensorFlow.js without their internals. */
export function inspectShortly(exports: TensorFlow): void {
	const { Tensor, LayerVariable, SymbolicTensor, layers, Optimizer, History, data } = exports;
	for (const made of [Tensor, LayerVariable, SymbolicTensor, layers?.Layer, Optimizer, History, data?.Dataset]) {
		if (!made) continue;
		Object.defineProperty(made.prototype, inspect.custom, {
			configurable: true,
			value(this: object, depth: number, options: { depth?: number | null }): unknown {
				const kind = kindOf(this);
				if (!kind) return this;
				return depth === options.depth && kind.bundle ? kind.bundle(this)["text/plain"] : kind.line(this);
			},
		});
	}
}
