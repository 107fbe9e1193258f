// The precision in which a model computes: float32, or mixed_bfloat16 as Keras's dtype policy of that name.
import { existsSync, readFileSync } from "node:fs";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { nodeBackend } from "./backend";

/** Precisions by their names in Keras; `"auto"` is mixed_bfloat16 where the processor multiplies it in hardware. */
const PRECISIONS = ["float32", "mixed_bfloat16", "auto"];

/** How a graph multiplies: emulated bfloat16 is float32 with factors and products rounded to bfloat16. */
export type Arithmetic = "float32" | "bfloat16" | "emulated bfloat16";

type Outputs = Pick<tf.LayersModel, "outputs">;

/** By the output layer: tf.layers makes the model inside a Sequential anew each time it is compiled. */
const arithmetics = new WeakMap<object, Arithmetic>();
const keyOf = ({ outputs: [{ sourceLayer }] }: Outputs): object => sourceLayer;

/**
 * Sets the precision in which a model is trained, evaluated and predicts, as `dtype="mixed_bfloat16"` of Keras's layers
 * (https://keras.io/api/mixed_precision). With mixed_bfloat16 convolutions and matrix products take bfloat16, which has the
 * range of float32 and 8 of its 24 bits of precision; variables, losses, metrics and probabilities stay float32. A model
 * that runs eagerly, with `fast: false`, computes in float32.
 *
 * @param model model of tf.layers, compiled or not
 * @param precision `"float32"`, what models have by default; `"mixed_bfloat16"`, which is emulated where the processor does
 *   not multiply bfloat16, and a line says so; `"auto"`, mixed_bfloat16 where it does and float32 elsewhere
 * @throws when there is no such precision
 */
export function setPrecision(model: tf.LayersModel, precision: string): void {
	arithmetics.set(keyOf(model), arithmeticFor(precision, hasBfloat16()));
}

/** Returns how a model multiplies. */
export const arithmeticOf = (model: Outputs): Arithmetic => arithmetics.get(keyOf(model)) ?? "float32";

/** Gives a model the precision of another. */
export function copyPrecision(from: tf.LayersModel, to: tf.LayersModel): void {
	arithmetics.set(keyOf(to), arithmeticOf(from));
}

/**
 * Returns how to multiply in a precision, and says in a line, once per process, what "auto" chooses or that bfloat16 is
 * emulated.
 *
 * @param inHardware whether TensorFlow multiplies bfloat16 in hardware
 */
export function arithmeticFor(precision: string, inHardware: boolean): Arithmetic {
	if (!PRECISIONS.includes(precision))
		throw new Error(`precision is ${JSON.stringify(precision)}: expected ${PRECISIONS.join(", ")}`);
	if (precision === "float32") return "float32";
	if (precision === "auto") {
		sayOnce(`precision "auto" is ${inHardware ? "mixed_bfloat16" : "float32"} here: ${inHardware ? HARDWARE : NONE}.`);
		return inHardware ? "bfloat16" : "float32";
	}
	if (inHardware) return "bfloat16";
	sayOnce(
		`precision "mixed_bfloat16" is emulated, and training takes 1.1 to 1.2 times as long as in float32: ${NONE}. "auto" is float32 here.`,
	);
	return "emulated bfloat16";
}

const HARDWARE = "this processor multiplies bfloat16 in hardware";
const NONE = "TensorFlow has no hardware here that multiplies bfloat16";

const said = new Set<string>();

function sayOnce(line: string): void {
	if (!said.has(line)) console.log(line);
	said.add(line);
}

/** Linux's names of the instructions that multiply bfloat16. */
const INSTRUCTIONS = ["amx_bf16", "avx512_bf16"];

/** Returns whether TensorFlow multiplies bfloat16 in hardware: on the CPU, by oneDNN. */
export function hasBfloat16(): boolean {
	const { binding } = nodeBackend();
	if (binding.isUsingGpuDevice() || process.env.TF_ENABLE_ONEDNN_OPTS === "0" || !existsSync(CPU_INFO)) return false;
	const flags = /^flags\s*: (.*)$/m.exec(readFileSync(CPU_INFO, "utf8"))?.[1].split(" ") ?? [];
	return INSTRUCTIONS.some((name) => flags.includes(name));
}
const CPU_INFO = "/proc/cpuinfo";
