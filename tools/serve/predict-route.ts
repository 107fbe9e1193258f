// POST /predict: images as body or as form.
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from "fastify";
import type { BytesPrediction } from "../../src/evaluation";
import { httpError, tooLarge } from "./errors";
import { MAX_IMAGES, type Service } from "./service";

// Without its types: they would give all streams of the project the events of a form's files, and no others.
const multipart = require("@fastify/multipart") as FastifyPluginAsync<{ limits: Record<string, number> }>;

/** What the plugin adds to a request. */
interface FormRequest {
	isMultipart(): boolean;
	files(): AsyncIterable<{ filename: string; toBuffer(): Promise<Buffer> }>;
}

interface NamedImage {
	/** Name of the file in the form; missing where the body is the image. */
	name?: string;
	bytes: Uint8Array;
}

/** Adds `POST /predict`. */
export async function predictRoute(app: FastifyInstance, service: Service): Promise<void> {
	const { maxBytes } = service;
	await app.register(multipart, {
		limits: { fileSize: maxBytes, fields: MAX_IMAGES, fieldSize: 1024, parts: 2 * MAX_IMAGES, headerPairs: 16 },
	});
	app.addContentTypeParser(/^(image\/[\w.+-]+|application\/octet-stream)/, { parseAs: "buffer" }, (_, body, done) =>
		done(null, body),
	);
	app.post("/predict", async (request, reply) => {
		const form = request as FastifyRequest & FormRequest;
		const images = form.isMultipart() ? await filesOf(form, maxBytes).catch(explain) : bodyOf(request);
		const results = await service.classify(
			images.map(({ bytes }) => bytes),
			request,
		);
		const [first] = results;
		if (results.length === 1 && first instanceof Error) return reply.code(422).send({ error: first.message });
		return { predictions: results.map((result, i) => predictionOf(images[i].name, result, service)) };
	});
}

function bodyOf({ body }: FastifyRequest): NamedImage[] {
	if (body instanceof Uint8Array && body.length > 0) return [{ bytes: body }];
	throw httpError(400, "there is no image: send one as the body, or several as a form");
}

async function filesOf(request: FormRequest, maxBytes: number): Promise<NamedImage[]> {
	const images: NamedImage[] = [];
	let total = 0;
	for await (const file of request.files()) {
		// Only now: the plugin would end the connection of a form with too many.
		if (images.length === MAX_IMAGES) throw httpError(400, `too many images: expected at most ${MAX_IMAGES}`);
		const bytes = await file.toBuffer();
		total += bytes.length;
		if (total > maxBytes) throw tooLarge(maxBytes);
		images.push({ name: file.filename, bytes });
	}
	if (images.length > 0) return images;
	throw httpError(400, "the form has no files: send images as its files, whatever the name of the field");
}

/** @throws the error with a status: the parser of forms gives none to forms that are cut off */
function explain(error: Error & { statusCode?: number }): never {
	throw Object.assign(error, { statusCode: error.statusCode ?? 400 });
}

function predictionOf(
	name: string | undefined,
	result: BytesPrediction | Error,
	{ predictor: { classNames }, description: { threshold } }: Service,
) {
	const named = name !== undefined && { name };
	if (result instanceof Error) {
		const sure = threshold !== undefined && { sure: false };
		return { ...named, label: null, probability: null, probabilities: {}, ...sure, error: result.message };
	}
	const { label, probability } = result;
	const sure = threshold !== undefined && { sure: probability >= threshold };
	// Safe for a class that is called __proto__, unlike assignments.
	const probabilities = Object.fromEntries(classNames.map((of, i) => [of, result.probabilities[i]]));
	return { ...named, label, probability, probabilities, ...sure, error: null };
}
