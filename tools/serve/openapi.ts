// The API's description in OpenAPI 3.1.
import { MAX_IMAGES, type Service } from "./service";

const json = (schema: object) => ({ "application/json": { schema } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const binary = { schema: { type: "string", format: "binary" } };

const failed = (...statuses: number[]) =>
	Object.fromEntries(
		statuses.map((status) => [status, { description: FAILURES[status], content: json(ref("Error")) }]),
	);

const FAILURES: Record<number, string> = {
	400: "The request is not as described here.",
	413: "The body is too large.",
	415: "The content type is not one of these.",
	422: "The only image cannot be read.",
	503: "Too many images wait: try again after the seconds in Retry-After.",
};

/** A GET route that answers with JSON. */
const get = (summary: string, schema: object = { type: "object" }) => ({
	get: { summary, responses: { 200: { description: "OK", content: json(schema) } } },
});

/** Returns the description of all routes of the app. */
export function openApi({ predictor: { inputShape, classNames }, maxBytes }: Service) {
	const limits = `at most ${MAX_IMAGES} images and ${maxBytes / 1e6} MB`;
	return {
		openapi: "3.1.0",
		info: { title: "Image classifier", version: "1", description: `Classifies images; ${limits} a request.` },
		paths: {
			"/predict": { post: predict },
			"/model": get("Class names, input, temperature, threshold and preprocessing of the model"),
			"/healthz": get("Whether the server answers"),
			"/metrics": { get: text("Measurements for Prometheus", "text/plain") },
			"/openapi.json": get("This description"),
			"/": { get: text("The page that classifies in the browser, where one was exported", "text/html") },
			"/v2": get("Open inference protocol: the server"),
			"/v2/health/live": get("Open inference protocol: whether the server answers"),
			"/v2/health/ready": get("Open inference protocol: whether the server can classify"),
			"/v2/models/classifier": get("Open inference protocol: inputs and outputs of the model"),
			"/v2/models/classifier/ready": get("Open inference protocol: whether the model can classify"),
			"/v2/models/classifier/infer": { post: infer(inputShape) },
		},
		components: { schemas: { ...schemas, Prediction: prediction(classNames) } },
	};
}

const text = (summary: string, type: string) => ({
	summary,
	responses: { 200: { description: "OK", content: { [type]: { schema: { type: "string" } } } } },
});

const predict = {
	summary: "Classifies images",
	requestBody: {
		required: true,
		content: {
			"image/*": binary,
			"application/octet-stream": binary,
			"multipart/form-data": {
				schema: {
					type: "object",
					properties: { images: { type: "array", items: binary.schema, maxItems: MAX_IMAGES } },
				},
			},
		},
	},
	responses: {
		200: { description: "A prediction for each image, in their order", content: json(ref("Predictions")) },
		...failed(400, 413, 415, 422, 503),
	},
};

const infer = (inputShape: number[]) => ({
	summary: `Open inference protocol: probabilities of pixels [n, ${inputShape.join(", ")}] from 0 to 255`,
	requestBody: { required: true, content: json(ref("InferRequest")) },
	responses: { 200: { description: "OK", content: json(ref("InferResponse")) }, ...failed(400, 413, 415, 503) },
});

const prediction = (classNames: string[]) => ({
	type: "object",
	required: ["label", "probability", "probabilities", "error"],
	properties: {
		name: { type: "string", description: "Name of the file in the form" },
		label: { enum: [...classNames, null], description: "Predicted class; null when the image cannot be read" },
		probability: { type: ["number", "null"], description: "Calibrated probability of the predicted class" },
		probabilities: { type: "object", additionalProperties: { type: "number" }, description: "By class" },
		sure: { type: "boolean", description: "Whether the probability is at least the server's threshold, if it has one" },
		error: { type: ["string", "null"], description: "Why the image cannot be read" },
	},
});

const tensor = {
	type: "object",
	required: ["name", "shape", "datatype", "data"],
	properties: {
		name: { enum: ["images", "probabilities"] },
		shape: { type: "array", items: { type: "integer" } },
		datatype: { const: "FP32" },
		data: { type: "array", description: "Numbers, flat or nested as the shape; those of an answer are flat" },
	},
};

const schemas = {
	Error: { type: "object", required: ["error"], properties: { error: { type: "string" } } },
	Predictions: {
		type: "object",
		required: ["predictions"],
		properties: { predictions: { type: "array", items: ref("Prediction") } },
	},
	Tensor: tensor,
	InferRequest: {
		type: "object",
		required: ["inputs"],
		properties: {
			id: { type: "string" },
			inputs: { type: "array", items: ref("Tensor"), minItems: 1, maxItems: 1 },
		},
	},
	InferResponse: {
		type: "object",
		required: ["model_name", "outputs"],
		properties: {
			model_name: { type: "string" },
			id: { type: "string" },
			outputs: { type: "array", items: ref("Tensor") },
		},
	},
};
