// The open inference protocol, version 2, as KServe and Triton speak it: pixels to probabilities, in JSON.
import type { FastifyInstance } from "fastify";
import { httpError } from "./errors";
import { MAX_IMAGES, type Service } from "./service";

/** Name of the model in the protocol. */
const MODEL = "classifier";

const [INPUT, OUTPUT, DATATYPE] = ["images", "probabilities", "FP32"];

/** Adds the routes below `/v2`. */
export async function protocolV2(app: FastifyInstance, service: Service): Promise<void> {
	const { inputShape, classNames } = service.predictor;
	// Keys that would change an object's prototype are errors.
	app.addContentTypeParser("application/json", { parseAs: "string" }, app.getDefaultJsonParser("error", "error"));
	app.get("/v2", async () => ({ name: "image-classification-notebooks", version: "2", extensions: [] }));
	app.get("/v2/health/live", async () => ({ live: true }));
	app.get("/v2/health/ready", async () => ({ ready: true }));
	app.get(`/v2/models/${MODEL}`, async () => ({
		name: MODEL,
		platform: "tensorflow_js",
		inputs: [{ name: INPUT, datatype: DATATYPE, shape: [-1, ...inputShape] }],
		outputs: [{ name: OUTPUT, datatype: DATATYPE, shape: [-1, classNames.length] }],
	}));
	app.get(`/v2/models/${MODEL}/ready`, async () => ({ name: MODEL, ready: true }));
	app.post(`/v2/models/${MODEL}/infer`, async (request) => {
		const { id, images } = readRequest(request.body, inputShape);
		// Millions of numbers, which the pixels replace.
		request.body = undefined;
		const results = await service.classify(images, request);
		const data = results.flatMap((result, i) => {
			if (!(result instanceof Error)) return result.probabilities;
			throw httpError(400, `image ${i}: ${result.message}`);
		});
		const output = { name: OUTPUT, datatype: DATATYPE, shape: [results.length, classNames.length], data };
		return { model_name: MODEL, ...(id !== undefined && { id }), outputs: [output] };
	});
}

/** @throws the error of status 400 that names what was expected */
function readRequest(body: unknown, inputShape: number[]): { id?: string; images: Float32Array[] } {
	const { id, inputs, outputs } = objectOf(body, "the body");
	if (id !== undefined && typeof id !== "string") throw httpError(400, "id is no string: expected one, or no id");
	if (!Array.isArray(inputs) || inputs.length !== 1)
		throw httpError(400, `inputs: expected a list of one input, ${INPUT}`);
	const { name, datatype, shape, data } = objectOf(inputs[0], "the input");
	if (name !== INPUT) throw httpError(400, `the input's name is not ${INPUT}: the model has no other`);
	if (datatype !== DATATYPE) throw httpError(400, `datatype of ${INPUT}: expected ${DATATYPE}`);
	requireOutput(outputs);
	const count = requireShape(shape, inputShape);
	const pixels = pixelsOf(data, [count, ...inputShape]);
	const size = pixels.length / count;
	return { id, images: Array.from({ length: count }, (_, i) => pixels.subarray(i * size, (i + 1) * size)) };
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
	if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	throw httpError(400, `${what} is no JSON object: expected one as in /openapi.json`);
}

/** @throws when other outputs than the model's are requested */
function requireOutput(outputs: unknown): void {
	if (outputs === undefined) return;
	const isOurs = (output: unknown) => objectOf(output, "the output").name === OUTPUT;
	if (Array.isArray(outputs) && outputs.every(isOurs)) return;
	throw httpError(400, `outputs: expected a list of ${OUTPUT}, or none`);
}

/** Returns the number of images; throws when the shape is not that of the model's input. */
function requireShape(shape: unknown, inputShape: number[]): number {
	const [count, ...rest] = Array.isArray(shape) ? shape : [];
	const isOne = Number.isInteger(count) && count >= 1 && count <= MAX_IMAGES;
	if (isOne && rest.length === inputShape.length && rest.every((length, i) => length === inputShape[i])) return count;
	throw httpError(400, `shape of ${INPUT}: expected [n, ${inputShape.join(", ")}] with n from 1 to ${MAX_IMAGES}`);
}

/** Returns data, flat or nested by its shape, as float32; throws when its length is another or it has something else. */
function pixelsOf(data: unknown, shape: number[]): Float32Array {
	const length = shape.reduce((product, size) => product * size, 1);
	const isNested = Array.isArray(data) && Array.isArray(data[0]);
	const values = isNested ? flattened(data, shape) : data;
	if (!Array.isArray(values) || values.length !== length)
		throw httpError(400, `data of ${INPUT}: expected ${length} numbers, flat or nested as [${shape.join(", ")}]`);
	if (values.every((value) => typeof value === "number" && value >= 0 && value <= 255))
		return Float32Array.from(values);
	throw httpError(400, `data of ${INPUT}: expected numbers from 0 to 255`);
}

/** Returns the values of nested lists; null when they have another shape. */
function flattened(data: unknown, [length, ...rest]: number[]): unknown[] | null {
	if (!Array.isArray(data) || data.length !== length) return null;
	if (rest.length === 0) return data;
	const rows = data.map((row) => flattened(row, rest));
	return rows.every((row) => row !== null) ? rows.flat() : null;
}
