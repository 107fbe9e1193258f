// Saves a model with 8- or 16-bit weights.
import { join } from "node:path";
import { Float16Array } from "@petamoriken/float16";
import * as tf from "@tensorflow/tfjs-node-gpu";
import { writeFileAtomically } from "../support/files";

type Bits = 8 | 16 | "float16";

/**
 * Saves a model with quantized weights: the TensorFlow.js converter's `--quantize_uint8`, `--quantize_uint16` and
 * `--quantize_float16`.
 *
 * Each kernel is mapped to integers between its minimum and its maximum, or rounded to float16. Tensors of one dimension, as
 * biases and those of batch norms, constant tensors and those with infinite or missing values stay float32.
 * `tf.loadLayersModel` converts the weights back to float32.
 *
 * @param folder folder for `model.json` and `weights.bin`, created if missing
 * @param bits size of a weight in bits, 8 or 16 for integers, or "float16"
 * @returns size of the weights in bytes
 */
export async function saveQuantized(model: tf.LayersModel, folder: string, bits: Bits): Promise<number> {
	const { modelTopology, weightSpecs, weightData } = await quantizedArtifacts(model, bits);
	const weightsManifest = [{ paths: ["weights.bin"], weights: weightSpecs }];
	writeFileAtomically(join(folder, "weights.bin"), weightData);
	writeFileAtomically(
		join(folder, "model.json"),
		JSON.stringify({ format: "layers-model", modelTopology, weightsManifest }),
	);
	return weightData.length;
}

/**
 * Returns the topology and the weights of a model, quantized as by `saveQuantized`.
 *
 * @param bits as in `saveQuantized`; 32: as they are
 */
export async function quantizedArtifacts(model: tf.LayersModel, bits: Bits | 32) {
	const parts: Buffer[] = [];
	const weightSpecs: object[] = [];
	let modelTopology: object = {};
	const collect = tf.io.withSaveHandler(async (saved) => {
		modelTopology = saved.modelTopology as object;
		const data = Buffer.concat([saved.weightData ?? new ArrayBuffer(0)].flat().map((part) => Buffer.from(part)));
		let offset = 0;
		for (const { name, shape, dtype } of saved.weightSpecs ?? []) {
			const length = shape.reduce((product, size) => product * size, 1);
			const values = new Float32Array(new Uint8Array(data.subarray(offset, offset + 4 * length)).buffer);
			offset += 4 * length;
			const { bytes, quantization } = quantize(values, shape, bits);
			parts.push(bytes);
			weightSpecs.push({ name, shape, dtype, ...(quantization && { quantization }) });
		}
		return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: "JSON" } };
	});
	await model.save(collect);
	return { modelTopology, weightSpecs, weightData: Buffer.concat(parts) };
}

/** Rounds to float16; null when a number, above 65,504, does not fit. */
export function toFloat16(values: Float32Array): Float16Array | null {
	const halves = new Float16Array(values);
	return halves.every(Number.isFinite) ? halves : null;
}

/** Returns the quantized bytes of a float32 tensor, with the parameters of `tf.io.WeightsManifestEntry`. */
function quantize(values: Float32Array, shape: number[], bits: Bits | 32) {
	// Biases and batch norms are few numbers, and those that an error costs most.
	if (shape.length < 2 || bits === 32) return { bytes: Buffer.from(values.buffer) };
	if (bits === "float16") {
		const halves = toFloat16(values);
		if (!halves) return { bytes: Buffer.from(values.buffer) };
		return { bytes: Buffer.from(halves.buffer), quantization: { dtype: "float16", original_dtype: "float32" } };
	}
	let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
	for (const value of values) {
		min = Math.min(min, value);
		max = Math.max(max, value);
	}
	const scale = (max - min) / (2 ** bits - 1);
	if (!(scale > 0 && Number.isFinite(scale))) return { bytes: Buffer.from(values.buffer) };
	const codes = bits === 8 ? new Uint8Array(values.length) : new Uint16Array(values.length);
	for (let i = 0; i < values.length; i++) codes[i] = Math.round((values[i] - min) / scale);
	return {
		bytes: Buffer.from(codes.buffer),
		quantization: { dtype: `uint${bits}`, min, scale, original_dtype: "float32" },
	};
}
