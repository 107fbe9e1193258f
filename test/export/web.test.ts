// The exported page in a browser without a network: it predicts what Node predicts, decoding and resizing included.
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import type * as tf from "@tensorflow/tfjs-node-gpu";
import { parse } from "papaparse";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { loadImage } from "../../src/datasets";
import { gradCam, predictImages } from "../../src/evaluation";
import { exportModel } from "../../src/export";
import { filesIn, isImageFile } from "../../src/images/folders";
import { launchBrowser, noBrowser } from "../browser";
import { bomb, imageFolder, temporaryFolder } from "../helpers";
import { metadata, NETWORKS } from "./networks";

const work = temporaryFolder();
const names = { separable: ["<b>béton</b>", "=glass"], plain: ["a", "b", "c"], residual: ["a", "b", "c"] };

/** Twenty images: those of the fixtures, and noise in every kind of file that training reads and browsers too. */
async function images(): Promise<string[]> {
	const fixtures = [...filesIn(imageFolder)].filter(isImageFile).filter((path) => !/\.tiff?$/.test(path));
	const [width, height] = [83, 61];
	const noise = (channels: 3 | 4) =>
		Buffer.from(Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 7919 * (1 + (i % 13))) % 256));
	const raw = (channels: 3 | 4) => sharp(noise(channels), { raw: { width, height, channels } }).resize(203, 151);
	const made: Record<string, Promise<Buffer>> = {
		"444.jpg": raw(3).jpeg({ chromaSubsampling: "4:4:4", quality: 60 }).toBuffer(),
		"420.jpg": raw(3).jpeg({ quality: 95 }).toBuffer(),
		"turned by exif.jpg": raw(3).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
		"wide gamut.jpg": raw(3).withIccProfile("p3").jpeg().toBuffer(),
		"cmyk.jpg": raw(3).toColourspace("cmyk").jpeg().toBuffer(),
		"transparent.png": raw(4).png().toBuffer(),
		"palette.png": raw(3).png({ palette: true, colours: 13 }).toBuffer(),
		"sixteen bits.png": raw(3).toColourspace("rgb16").png().toBuffer(),
		"lossy.webp": raw(3).webp().toBuffer(),
		"lossless.webp": raw(3).webp({ lossless: true }).toBuffer(),
		"turned.webp": raw(3).withMetadata({ orientation: 8 }).webp({ lossless: true }).toBuffer(),
		"animation.gif": raw(3).gif().toBuffer(),
	};
	const paths = await Promise.all(
		Object.entries(made).map(async ([name, bytes]) => {
			writeFileSync(join(work, name), await bytes);
			return join(work, name);
		}),
	);
	const copies = fixtures.map((path) => {
		copyFileSync(path, join(work, basename(path)));
		return join(work, basename(path));
	});
	return [...copies, ...paths];
}

/** Compares the opacity of the map that is drawn over an image with `gradCam`'s. */
async function assertSameHeat(page: Page, model: tf.LayersModel, path: string): Promise<void> {
	const drawn = (await page.evaluate(`(() => {
		const canvas = document.querySelector("tbody tr:last-child canvas");
		const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
		return [...data].filter((_, i) => i % 4 === 3);
	})()`)) as number[];
	const [height, width] = model.inputs[0].shape.slice(1) as number[];
	const image = await loadImage(path, { imageSize: [height, width] });
	const heat = gradCam(model, image.expandDims(0) as tf.Tensor4D).dataSync();
	const [least, greatest] = [Math.min(...heat), Math.max(...heat)];
	assert.equal(drawn.length, heat.length);
	for (const [i, value] of heat.entries()) {
		const opacity = (153 * (value - least)) / Math.max(greatest - least, 1e-12);
		assert.ok(Math.abs(drawn[i] - opacity) <= 2, `${drawn[i]}, not ${opacity}`);
	}
}

describe("the exported page", { skip: noBrowser }, () => {
	let browser: Browser;
	let files: string[];
	const errors: string[] = [];
	before(async () => {
		files = await images();
		assert.ok(files.length >= 20, `${files.length} images`);
		if (noBrowser) return;
		const args = [
			...["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--use-angle=swiftshader"],
			...["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
		];
		browser = await launchBrowser(args);
	});
	after(() => browser?.close());

	/** Least probability of a class in a prediction set. */
	const LEAST = 0.48;

	/** Exports a network, and opens it from its file, with nothing else within reach. */
	async function open(name: keyof typeof NETWORKS, hash = "", options: object = {}): Promise<Page> {
		const model = NETWORKS[name]();
		const classNames = names[name as keyof typeof names];
		const conformal = { method: "lac" as const, coverage: 0.9, thresholds: classNames.map(() => 1 - LEAST) };
		const own = { ...metadata(2), classNames, threshold: 0.6, conformal };
		const path = await exportModel(model, join(work, name), { format: "web", metadata: own });
		const context = await browser.newContext({ offline: true, ...options });
		const page = await context.newPage();
		page.on("pageerror", (error) => errors.push(String(error)));
		page.on("request", (request) => {
			if (!/^(file|data|blob):/.test(request.url())) errors.push(request.url());
		});
		await page.goto(`file://${path}${hash}`);
		return page;
	}

	/** Gives files to the page and returns the lines of its CSV. */
	async function predictions(page: Page, files: string[]) {
		await page.locator("#files").setInputFiles(files);
		await page.locator(`tbody tr:nth-child(${files.length})`).waitFor({ state: "attached" });
		const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#csv").click()]);
		const text = readFileSync(await download.path(), "utf8");
		return parse<Record<string, string>>(text.trim(), { header: true }).data;
	}

	for (const [backend, network, shown] of [
		["wasm", "separable", "WebAssembly"],
		["wasm", "residual", "WebAssembly"],
		["webgl", "plain", "WebGL"],
		["webgl", "residual", "WebGL"],
		["webgpu", "separable", "WebGPU"],
		["cpu", "plain", "JavaScript"],
	] as const) {
		test(`predicts as Node does with ${backend}, decoding and resizing included: ${network}`, async () => {
			const page = await open(network, `#backend=${backend}`);
			const rows = await predictions(page, files);
			assert.equal(await page.locator("html").getAttribute("data-backend"), shown);
			const classNames = names[network];
			const expected = await predictImages(NETWORKS[network](), files, { classNames, temperature: 1.25 });
			const probabilities = (row: Record<string, string>) =>
				Object.values(row)
					.slice(3, 3 + classNames.length)
					.map(Number);
			for (const [i, { path, probabilities: wanted, error }] of expected.entries()) {
				assert.equal(error, null);
				assert.equal(rows[i].error, "");
				for (const [k, probability] of probabilities(rows[i]).entries()) {
					const difference = Math.abs(probability - wanted[k]);
					assert.ok(difference < 1e-3, `${basename(path)}: ${probability}, not ${wanted[k]}`);
				}
				assert.equal(rows[i].sure, String(Math.max(...wanted) >= 0.6));
			}
			// The class activation map of the first image, which comes last, on the same backend.
			await page.locator("#heat").check();
			await page.locator(`tbody tr:nth-child(${files.length}) canvas`).waitFor({ state: "attached" });
			await assertSameHeat(page, NETWORKS[network](), files[0]);
			assert.deepEqual(errors, []);
			await page.context().close();
		});
	}

	test("takes images that are dropped and pasted, and says what is no image", async () => {
		const page = await open("separable", "#backend=wasm");
		const [jpeg] = files.filter((path) => path.endsWith("444.jpg")).map((path) => readFileSync(path));
		const wrong: [string, string, Buffer, RegExp][] = [
			["notes.txt", "text/plain", Buffer.from("no image"), /not an image that a browser can read/],
			["half.jpg", "image/jpeg", jpeg.subarray(0, 900), /the JPEG is damaged: its end is missing/],
			[
				"phone.heic",
				"image/heic",
				Buffer.from("\0\0\0\x18ftypheic\0\0\0\0"),
				/cannot read heic images: save it as JPEG/,
			],
			["bomb.png", "image/png", bomb, /60000 × 60000 pixels are more than 100 million/],
			["empty.png", "image/png", Buffer.alloc(0), /not an image|cannot read png/],
		];
		for (const kind of ["drop", "paste"]) {
			for (const [name, type, bytes] of [
				...wrong.map(([...file]) => file),
				["good.jpg", "image/jpeg", jpeg] as const,
			]) {
				const file = JSON.stringify({ kind, name, type, base64: bytes.toString("base64") });
				await page.evaluate(`(${send})(${file})`);
			}
		}
		await page.locator("tbody tr:nth-child(12)").waitFor({ state: "attached" });
		for (const [name, , , message] of wrong) {
			const rows = page.locator("tbody tr", { hasText: name });
			assert.equal(await rows.count(), 2);
			assert.match(await rows.first().innerText(), message);
		}
		assert.equal(await page.locator("tbody img").count(), 2);
		assert.deepEqual(errors, []);
	});

	test("takes a photograph of 60 megapixels, and photographs of the camera", async () => {
		const page = await open("separable", "#backend=wasm");
		const [width, height] = [10_000, 6000];
		const large = join(work, "sixty megapixels.jpg");
		await sharp({ create: { width, height, channels: 3, background: "teal" } })
			.jpeg()
			.toFile(large);
		const [row] = await predictions(page, [large]);
		const [expected] = await predictImages(NETWORKS.separable(), [large], {
			classNames: names.separable,
			temperature: 1.25,
		});
		assert.ok(Math.abs(Number(row.probability) - (expected.probability as number)) < 1e-3);
		await page.locator("#camera").click();
		await page.waitForFunction("document.querySelector('video').videoWidth > 0");
		await page.locator("#shoot").click();
		await page.locator("tbody tr", { hasText: "photograph 1.png" }).waitFor();
		await page.locator("#stop").click();
		assert.equal(await page.locator("video").isVisible(), false);
		assert.deepEqual(errors, []);
	});

	test("says not sure below the threshold, shows names as they are, and is readable and accessible", async () => {
		for (const [width, colorScheme] of [
			[400, "light"],
			[1400, "dark"],
			[1400, "light"],
		] as const) {
			const options = { viewport: { width, height: 900 }, colorScheme };
			const page = await open("separable", "#backend=wasm", options);
			await page.locator("#heat").check();
			await predictions(page, files.slice(0, 4));
			await page.locator("#threshold").fill("100");
			assert.equal(await page.locator("tbody .unsure").count(), 4);
			for (const row of await page.locator("tbody tr").all()) {
				const shown = await row.locator("li").allInnerTexts();
				const within = shown
					.map((line) => line.split("\n"))
					.filter(([, share]) => Number.parseFloat(share) >= 100 * LEAST);
				const classes = within.map(([name]) => name).join(" or ") || "none of the classes";
				assert.equal(await row.locator(".set").innerText(), `90.0 % coverage: ${classes}`);
			}
			await page.locator("#threshold").fill("0");
			assert.equal(await page.locator("tbody .unsure").count(), 0);
			assert.equal(await page.locator("tbody b").count(), 0);
			assert.match(await page.locator("#about").innerText(), /Classes: <b>béton<\/b>, =glass\./);
			assert.ok((await page.evaluate("document.documentElement.scrollWidth")) === width);
			await page.addScriptTag({ path: require.resolve("axe-core") });
			const { violations } = (await page.evaluate("axe.run()")) as { violations: { id: string }[] };
			assert.deepEqual(
				violations.map(({ id }) => id),
				[],
			);
			if (process.env.SCREENSHOTS)
				await page.screenshot({
					path: join(process.env.SCREENSHOTS, `page-${width}-${colorScheme}.png`),
					fullPage: true,
				});
			// Without a mouse.
			await page.locator("#csv").focus();
			await page.keyboard.press("Tab");
			await page.keyboard.press("Enter");
			assert.equal(await page.locator("tbody tr").count(), 0);
			await page.context().close();
		}
		assert.deepEqual(errors, []);
	});

	test("falls back to the next backend where one does not work, and says which it is", async () => {
		const page = await open("separable");
		await page.locator("html[data-backend]").waitFor({ state: "attached" });
		// The graphics card of this browser is an emulation.
		assert.match(await page.locator("#about").innerText(), /Runs on WebAssembly\./);
	});
});

/** Drops or pastes a file, in the page; as text, since the code here knows no types of browsers. */
const send = `({ kind, name, type, base64 }) => {
	const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
	const transfer = new DataTransfer();
	transfer.items.add(new File([bytes], name, { type }));
	const event = kind === "drop"
		? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
		: new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
	document.body.dispatchEvent(event);
}`;
