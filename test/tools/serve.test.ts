// The app of `npm run serve`, but for the open inference protocol, which serve-protocol.test.ts tests.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { before, describe, test } from "node:test";
import type { FastifyInstance } from "fastify";
import { predictImages } from "../../src/evaluation/predict-images";
import { bomb, root, temporaryFolder } from "../helpers";
import {
	type Answer,
	appWith,
	assertError,
	classNames,
	FORM,
	files,
	formOf,
	formOfFiles,
	model,
	plain,
	post,
	predictor,
} from "./served";

let app: FastifyInstance;
before(async () => {
	app = await appWith();
});

describe("POST /predict", () => {
	test("equals predictImages, for each image alone and several in one form", async () => {
		const expected = await predictImages(model, files, { classNames, temperature: 2 });
		const form = await post(app, formOfFiles(files), FORM);
		assert.equal(form.statusCode, 200, form.body);
		const together = (form.json() as Answer).predictions;
		assert.equal(together.length, files.length);
		for (const [i, { label, probability, probabilities }] of expected.entries()) {
			const alone = await post(app, readFileSync(files[i]), i % 2 ? "application/octet-stream" : "image/any");
			assert.equal(alone.headers["x-content-type-options"], "nosniff");
			const { predictions } = alone.json() as Answer;
			assert.equal(together[i].name, `${i}.jpg`);
			for (const { name: _, ...prediction } of [together[i], ...predictions]) {
				assert.deepEqual([prediction.label, prediction.error], [label, null]);
				assert.ok(Math.abs((prediction.probability ?? 0) - (probability ?? 1)) < 1e-5);
				// Classes are JSON keys, even one that objects have a setter for.
				assert.deepEqual(Object.keys(prediction.probabilities), classNames);
				for (const [k, p] of Object.values(prediction.probabilities).entries())
					assert.ok(Math.abs(p - probabilities[k]) < 1e-5);
			}
		}
	});

	test("marks sure predictions with a threshold", async () => {
		for (const threshold of [0, 0.6, 1]) {
			const { predictions } = (await post(await appWith({ threshold }), formOfFiles(files), FORM)).json() as Answer;
			for (const { sure, probability } of predictions) assert.equal(sure, (probability ?? 0) >= threshold);
		}
		assert.equal("sure" in ((await post(app, plain)).json() as Answer).predictions[0], false);
	});

	test("answers 422 where the only image cannot be read, and an error in the place of one of several", async () => {
		const unreadable: [Buffer, RegExp][] = [
			[Buffer.from("some text"), /^not an image/],
			[plain.subarray(0, 300), /^the JPEG cannot be decoded: it is truncated or damaged$/],
			[bomb, /^too large \(3600\.0 megapixels\): expected at most 100$/],
		];
		for (const [bytes, message] of unreadable) {
			assertError(await post(app, bytes), 422, message);
			assertError(await post(app, formOf([{ name: "a", bytes }]), FORM), 422, message);
		}
		const all = [...unreadable.map(([bytes]) => bytes), plain].map((bytes) => ({ name: "../a.jpg", bytes }));
		const answer = await post(await appWith({ threshold: 0 }), formOf(all), FORM);
		assert.equal(answer.statusCode, 200);
		const { predictions } = answer.json() as Answer;
		for (const [i, [, message]] of unreadable.entries()) {
			const { error, ...rest } = predictions[i];
			assert.match(error ?? "", message);
			assert.deepEqual(rest, { name: "a.jpg", label: null, probability: null, probabilities: {}, sure: false });
		}
		assert.equal(predictions[3].error, null);
	});

	test("refuses bodies that are too large, of another type, empty, or no form", async () => {
		const small = await appWith({ maxBytes: 2000 });
		const large = Buffer.alloc(2001);
		assertError(await post(small, large, "image/png"), 413, /^the body is too large: expected at most 0\.002 MB/);
		assertError(await post(small, formOf([{ name: "a", bytes: large }]), FORM), 413, /too large/);
		const unannounced = (type: string, bytes: Buffer) =>
			small.inject({
				method: "POST",
				url: "/predict",
				headers: { "content-type": type, "transfer-encoding": "chunked" },
				payload: Readable.from([bytes]),
			});
		assertError(await unannounced("image/png", large), 413, /too large/);
		assertError(await unannounced(FORM, formOf([{ name: "a", bytes: large }])), 413, /too large/);
		const halves = [0, 1].map((i) => ({ name: `${i}`, bytes: Buffer.alloc(1200) }));
		assertError(await unannounced(FORM, formOf(halves)), 413, /too large/);
		for (const type of ["application/json", "text/plain", "imaginary/png", "nonsense"])
			assertError(await post(app, "{}", type), 415, /^this type of content is not expected/);
		assertError(await app.inject({ method: "POST", url: "/predict" }), 400, /^there is no image/);
		assertError(await post(app, ""), 400, /^there is no image/);
	});

	test("refuses malformed forms and those without or with too many images", async () => {
		const whole = formOf([{ name: "a", bytes: plain }]);
		for (const body of [whole.subarray(0, 60), whole.subarray(0, -20), Buffer.from("no form")])
			assertError(await post(app, body, FORM), 400, /^the body cannot be read/);
		assertError(await post(app, whole, "multipart/form-data"), 400, /^the body cannot be read/);
		assertError(await post(app, formOf([]), FORM), 400, /^the form has no files/);
		const many = Array.from({ length: 33 }, (_, i) => ({ name: `${i}`, bytes: plain }));
		assertError(await post(app, formOf(many), FORM), 400, /^too many images: expected at most 32$/);
		assert.equal((await post(app, formOf(many.slice(1)), FORM)).statusCode, 200);
	});

	test("answers 503 when too many images wait", async () => {
		const answer = await post(await appWith({ maxWaiting: 4 }), formOfFiles(files), FORM);
		assertError(answer, 503, /^too many images wait: try again in a second$/);
		assert.equal(answer.headers["retry-after"], "1");
	});

	test("classifies the images of concurrent requests in batches", async () => {
		const busy = await appWith();
		const answers = await Promise.all(
			files.concat(files, files).map((path) => post(busy, readFileSync(path), "image/x")),
		);
		const probabilities = answers.map((answer) => (answer.json() as Answer).predictions[0].probability ?? Number.NaN);
		for (const [i, probability] of probabilities.entries())
			assert.ok(Math.abs(probability - probabilities[i % files.length]) < 1e-5, `${i}`);
		const { body } = await busy.inject("/metrics");
		assert.match(body, new RegExp(`^classifier_batch_size_sum ${answers.length}$`, "m"));
		const [, batches] = /^classifier_batch_size_count (\d+)$/m.exec(body) ?? [];
		assert.ok(Number(batches) < answers.length / 2, batches);
	});
});

describe("the other routes", () => {
	test("tell about the model and the server", async () => {
		assert.deepEqual((await app.inject("/healthz")).json(), { status: "ok" });
		const answer = (await (await appWith({ threshold: 0.6 })).inject("/model")).json();
		const { classNames: names, input, temperature, threshold } = answer;
		assert.deepEqual([names, temperature, threshold], [classNames, 2, 0.6]);
		assert.deepEqual([input.height, input.width, input.channels, input.range], [16, 16, 3, [0, 255]]);
	});

	test("GET / is the page, or says how to make one", async () => {
		assert.match((await app.inject("/")).json().page, /npm run export -- --format web/);
		const page = join(temporaryFolder(), "index.html");
		writeFileSync(page, "<p>page</p>");
		const answer = await (await appWith({ page })).inject("/");
		assert.deepEqual([answer.headers["content-type"], answer.body], ["text/html; charset=utf-8", "<p>page</p>"]);
	});

	test("metrics are in Prometheus's text format, with one route for all unknown addresses", async () => {
		await app.inject("/unknown");
		await app.inject("/unknown/too?x=1");
		const { body, headers } = await app.inject("/metrics");
		assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
		for (const line of body.split("\n").filter(Boolean))
			assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? (-?[\d.e+-]+|NaN|\+Inf))$/);
		assert.match(body, /^http_requests_total\{method="GET",route="none",status="404"\} \d+$/m);
		assert.match(body, /^http_requests_total\{method="POST",route="\/predict",status="422"\} \d+$/m);
		assert.match(body, /^http_request_duration_seconds_bucket\{le="0\.1",route="\/predict"\} \d+$/m);
		assert.match(body, /^classifier_queue_images 0$/m);
		assert.match(body, /^process_resident_memory_bytes \d+$/m);
		assert.doesNotMatch(body, /unknown/);
	});

	test("the description lists every route of the app, and no other", async () => {
		const { openapi, paths, components } = (await app.inject("/openapi.json")).json();
		assert.equal(openapi, "3.1.0");
		// Each line of the tree: the part of the address that follows the line it is indented under.
		const above: string[] = [];
		const routes = app
			.printRoutes({ commonPrefix: false })
			.trimEnd()
			.split("\n")
			.flatMap((line) => {
				const [, indent, part, methods] = /^([│├└─ ]*)(\S+) \((.*)\)$/.exec(line) ?? [];
				const depth = indent.length / 4;
				above[depth] = `${above[depth - 1] ?? ""}/${part}`.replace(/\/+/g, "/");
				return methods
					.split(", ")
					.filter((method) => method !== "HEAD")
					.map((method) => `${method} ${above[depth]}`);
			});
		const described = Object.entries(paths as Record<string, object>).flatMap(([path, operations]) =>
			Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
		);
		assert.deepEqual(described.sort(), routes.sort());
		assert.equal(routes.length, 12);
		for (const [, name] of JSON.stringify(paths).matchAll(/"#\/components\/schemas\/(\w+)"/g))
			assert.ok(components.schemas[name]);
	});

	test("unknown and malformed addresses are errors as all others", async () => {
		for (const url of ["/nothing", "/predict/", "/../etc/passwd"])
			assertError(await app.inject(url), 404, /^there is no such route/);
		assertError(await app.inject("/predict"), 404, /^there is no such route/);
		assertError(await app.inject("/%zz"), 400, /^the address is not valid/);
	});

	test("a failure inside is 500 and does not say what it was", async () => {
		const failing = await appWith({ predictor: { ...predictor, classify: () => assert.fail(`secret in ${root}`) } });
		const log = console.error;
		const logged: unknown[] = [];
		console.error = (line) => logged.push(line);
		const answer = await post(failing, plain, "image/jpeg").finally(() => {
			console.error = log;
		});
		assertError(answer, 500, /^the server failed at this request: its log says why$/);
		assert.match(String(logged[0]), /secret/);
	});
});
