// The model that is embedded in the page, and the backend that it runs on.

import type { io } from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-node-gpu";
import "@tensorflow/tfjs-backend-webgpu";
import { heatMaps } from "../../evaluation/gradcam";
import { calibrated, toRow } from "../../evaluation/outputs";
import type { Description } from "../../export/metadata";
import { withLogits } from "../../tensorflow/logits";

/** What `src/export/web.ts` embeds. */
export interface Embedded {
	modelTopology: object;
	weightSpecs: io.WeightsManifestEntry[];
	/** Base64. */
	weightData: string;
	metadata: Description;
}

/** A prediction; `heat` is its class activation map, 0–1, row by row. */
export interface Prediction {
	label: number;
	/** Probability of each class, calibrated. */
	probabilities: number[];
	heat?: { values: Float32Array; rows: number; columns: number };
}

const BACKENDS = { webgpu: "WebGPU", webgl: "WebGL", wasm: "WebAssembly", cpu: "JavaScript" } as const;
type Backend = keyof typeof BACKENDS;

/**
 * Loads the model on the first backend that works: WebGPU, WebGL, WebAssembly, JavaScript.
 *
 * @param wanted the only backend to try; null for all
 * @returns the backend's name, and a function from pixels to a prediction
 * @throws when none works
 */
export async function loadModel(embedded: Embedded, wasm: string, wanted: string | null) {
	const binary = `data:application/wasm;base64,${wasm}`;
	setWasmPaths({
		"tfjs-backend-wasm.wasm": binary,
		"tfjs-backend-wasm-simd.wasm": binary,
		"tfjs-backend-wasm-threaded-simd.wasm": binary,
	});
	// Its threads need headers of a server that a folder does not send.
	tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
	for (const name of Object.keys(BACKENDS) as Backend[]) {
		try {
			if (!(wanted ? name === wanted : await isFit(name)) || !(await tf.setBackend(name))) continue;
			const predict = await predictor(embedded);
			// What a graphics driver cannot do shows only now. The first prediction is also the slowest.
			const { height, width, channels } = embedded.metadata.input;
			await predict(new Float32Array(height * width * channels), { heat: false });
			return { backend: BACKENDS[name], predict };
		} catch (error) {
			console.warn(`${BACKENDS[name]}: ${(error as Error).message}`);
		}
	}
	throw new Error(`this browser cannot run the model with ${wanted ?? "any backend"}: try another browser`);
}

/** Loads the model on the current backend. */
async function predictor({ metadata, weightData, ...topology }: Embedded) {
	const model = await tf.loadLayersModel({
		load: async () => ({ ...topology, weightData: await bytesOf(weightData) }),
	});
	const { height, width, channels } = metadata.input;
	const rowOf = calibrated(toRow(model), metadata.temperature ?? 1);

	async function heatMap(xs: tf.Tensor4D, label: number) {
		const map = heatMaps(model, xs, () => tf.tensor1d([label], "int32"));
		const [, rows, columns] = map.shape;
		const values = (await map.data()) as Float32Array;
		map.dispose();
		return { values, rows, columns };
	}

	return async (pixels: Float32Array, { heat }: { heat: boolean }): Promise<Prediction> => {
		const xs = tf.tensor4d(pixels, [1, height, width, channels]);
		const outputs = tf.tidy(() => withLogits(model, () => model.predict(xs) as tf.Tensor));
		try {
			const { label, probabilities } = rowOf([...(await outputs.data())]);
			return { label, probabilities, ...(heat && { heat: await heatMap(xs, label) }) };
		} finally {
			tf.dispose([xs, outputs]);
		}
	};
}

/** Whether the browser has a backend that gives the same predictions as others, and is not slower than the next. */
async function isFit(name: Backend): Promise<boolean> {
	if (name === "webgpu") {
		const adapter = await navigator.gpu?.requestAdapter();
		return adapter ? !adapter.info.isFallbackAdapter : false;
	}
	if (name !== "webgl") return true;
	const context = document.createElement("canvas").getContext("webgl2");
	// Emulations of a graphics card are slower than WebAssembly, and some cards compute in 16 bits.
	const info = context?.getExtension("WEBGL_debug_renderer_info");
	const renderer = String(context?.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
	const isEmulated = /swiftshader|llvmpipe|basic render/i.test(renderer);
	return context !== null && !isEmulated && tf.env().getBool("WEBGL_RENDER_FLOAT32_CAPABLE");
}

const bytesOf = async (base64: string) => (await fetch(`data:application/octet-stream;base64,${base64}`)).arrayBuffer();
