// The app of `npm run serve` with a small model, and requests to it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import type { FastifyInstance } from "fastify";
import { cnn } from "../../src/cnn/cnn";
import { bytesPredictor } from "../../src/evaluation/predict-bytes";
import { descriptionOf } from "../../src/export/metadata";
import { type AppOptions, createApp } from "../../tools/serve/app";
import { imageFolder, root } from "../helpers";

export const model = cnn({ inputShape: [16, 16, 3], filters: [4], denseUnits: 4, seed: 1 });
export const classNames = ["__proto__", "<b>dogs</b>"];
export const predictor = bytesPredictor(model, { classNames, temperature: 2 });
const names = ["cats/plain.jpg", "cats/grey.jpeg", "dogs/bitmap.bmp", "dogs/puppies/frames.gif", "dogs/alpha.png"];
export const files = names.map((name) => join(imageFolder, name));
export const plain = readFileSync(files[0]);

const opened: FastifyInstance[] = [];
/** Returns an app of its own, which is closed after the tests of the file. */
export async function appWith({
	threshold,
	...options
}: Partial<AppOptions> & { threshold?: number } = {}): Promise<FastifyInstance> {
	const description = descriptionOf(model, { classNames, temperature: 2, threshold });
	const app = await createApp({ predictor, description, ...options });
	opened.push(app);
	return app;
}
after(() => Promise.all(opened.map((app) => app.close())));

/** Sends a body to an app. */
export const post = (app: FastifyInstance, payload: Buffer | string, type = "image/jpeg", url = "/predict") =>
	app.inject({ method: "POST", url, headers: { "content-type": type }, payload });

const BOUNDARY = "--x";
export const FORM = `multipart/form-data; boundary=${BOUNDARY}`;
/** Returns the body of a form with files. */
export function formOf(parts: { name: string; bytes: Uint8Array }[]): Buffer {
	const heads = ({ name }: { name: string }) =>
		`--${BOUNDARY}\r\ncontent-disposition: form-data; name="f"; filename="${name}"\r\ncontent-type: image/jpeg\r\n\r\n`;
	const chunks = parts.flatMap((part) => [Buffer.from(heads(part)), part.bytes, Buffer.from("\r\n")]);
	return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}
export const formOfFiles = (paths: string[]) =>
	formOf(paths.map((path, i) => ({ name: `${i}.jpg`, bytes: readFileSync(path) })));

/** Checks an error: its status, its message, and that it has nothing else. */
export function assertError(
	{ statusCode, body }: { statusCode: number; body: string },
	status: number,
	message: RegExp,
) {
	assert.equal(statusCode, status, body);
	const { error, ...rest } = JSON.parse(body) as { error: string };
	assert.match(error, message);
	assert.deepEqual(rest, {});
	// No path, no stack, no code of a library.
	assert.doesNotMatch(error, /FST_|node_modules|\.[cm]?[jt]s\b|\bat .*:\d+|\/(home|tmp|usr)\b|\n/);
	assert.ok(!error.includes(root));
}

/** What `POST /predict` answers. */
export interface Answer {
	predictions: {
		name?: string;
		label: string | null;
		probability: number | null;
		probabilities: Record<string, number>;
		sure?: boolean;
		error: string | null;
	}[];
}
