// The exported page in a browser without a network: it predicts what Node predicts, decoding and resizing included.
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parse } from "papaparse";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { predictImages } from "../../src/evaluation";
import { exportModel } from "../../src/export";
import { filesIn, isImageFile } from "../../src/images/folders";
import { launchBrowser, noBrowser } from "../browser";
import { imageFolder, temporaryFolder } from "../helpers";
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

describe("the exported page", { skip: noBrowser }, () => {
	let browser: Browser;
	let files: string[];
	const errors: string[] = [];
	before(async () => {
		files = await images();
		assert.ok(files.length >= 20, `${files.length} images`);
		if (noBrowser) return;
		const args = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--use-angle=swiftshader"];
		browser = await launchBrowser(args);
	});
	after(() => browser?.close());

	/** Exports a network, and opens it from its file, with nothing else within reach. */
	async function open(name: keyof typeof NETWORKS, hash = "", options: object = {}): Promise<Page> {
		const model = NETWORKS[name]();
		const own = { ...metadata(2), classNames: names[name as keyof typeof names], threshold: 0.6 };
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
			// A class activation map on the same backend.
			await page.locator("#heat").check();
			await page.locator("tbody tr:last-child canvas").waitFor({ state: "attached" });
			assert.deepEqual(errors, []);
			await page.context().close();
		});
	}
});
