// Downloads a file so that an interrupted download can be resumed.
import { createHash } from "node:crypto";
import {
	createWriteStream,
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statfsSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";

/**
 * Downloads a file. What has arrived stays in a .part file when the download breaks off; the next call requests only
 * the rest. A finished file is used again.
 *
 * @param folder where the file and its parts are kept; made if it is missing
 * @param options `stallSeconds`: after how many seconds with less than 1 kB a second to give up, default 60; `maxBytes`:
 *   maximum size, default 20e9
 * @returns the path of the file
 * @throws with one line that names the address and what went wrong
 */
export async function download(
	url: string,
	folder: string,
	{ stallSeconds = 60, maxBytes = 20e9 } = {},
): Promise<string> {
	const name = join(folder, createHash("sha256").update(url).digest("hex").slice(0, 16));
	const done = `${name}.archive`;
	if (existsSync(done)) return done;
	mkdirSync(folder, { recursive: true });
	const stall = stallGuard(stallSeconds);
	try {
		const response = await request(url, name, stall.signal);
		await checkResponse(url, name, response);
		renameSync(await save(url, name, response, stall, maxBytes), done);
		rmSync(`${name}.version`, { force: true });
		return done;
	} finally {
		stall.stop();
	}
}

/** A timer that aborts `signal` unless, in so many seconds, `arrived` counts at least 1 kB a second. */
function stallGuard(seconds: number) {
	const controller = new AbortController();
	let bytes = 0;
	const giveUp = () =>
		controller.abort(new Error(`${bytes > 0 ? `only ${bytes} bytes` : "nothing"} arrived for ${seconds} s`));
	const timer = setTimeout(giveUp, seconds * 1000);
	const arrived = (more: number) => {
		bytes += more;
		if (bytes < 1000 * seconds) return;
		bytes = 0;
		timer.refresh();
	};
	return { signal: controller.signal, arrived, stop: () => clearTimeout(timer) };
}

const sizeOf = (file: string) => (existsSync(file) ? statSync(file).size : 0);
const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

function causeOf(error: unknown): string {
	const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
	return cause?.message || cause?.code || message;
}

async function request(url: string, name: string, signal: AbortSignal): Promise<Response> {
	// Without it servers may compress on the way, and then Range counts other bytes than ours.
	const headers: Record<string, string> = { "Accept-Encoding": "identity" };
	const have = sizeOf(`${name}.part`);
	const version = existsSync(`${name}.version`) && readFileSync(`${name}.version`, "utf8");
	if (have > 0) headers.Range = `bytes=${have}-`;
	if (have > 0 && version) headers["If-Range"] = version;
	try {
		return await fetch(url, { headers, signal });
	} catch (error) {
		throw new Error(`Cannot download ${url}: ${causeOf(error)}.`);
	}
}

/** The offset and the full size in a Content-Range header; NaN where they are not given. */
function rangeOf(response: Response): { start: number; size: number } {
	const [, start, size] = /(?:(\d+)-\d+|\*)\/(\d+)/.exec(response.headers.get("content-range") ?? "") ?? [];
	return { start: Number(start), size: Number(size) };
}

/** Throws unless the response is the file, or the part of it that is missing. */
async function checkResponse(url: string, name: string, response: Response): Promise<void> {
	const { start, size } = rangeOf(response);
	const have = sizeOf(`${name}.part`);
	const isPage = /^text\/html/i.test(response.headers.get("content-type") ?? "");
	const isWholePart = response.status === 416 && size === have;
	const isOtherRange = (response.status === 416 && size !== have) || (response.status === 206 && start !== have);
	if (isWholePart || (response.ok && !isPage && !isOtherRange)) return;
	await response.body?.cancel();
	if (isOtherRange) {
		rmSync(`${name}.part`, { force: true });
		throw new Error(`${url}: the server cannot resume the earlier download. The same command starts it again.`);
	}
	if (response.ok) throw new Error(`${url} is a web page, not an archive: give the address of the file itself.`);
	throw new Error(`Cannot download ${url}: the server answers ${response.status} ${response.statusText}.`);
}

/** A download that is larger than the user allowed. */
class TooLarge extends Error {
	constructor(url: string, maxBytes: number) {
		super(`${url} is larger than ${maxBytes / 1e9} GB: allow more with --max-gb.`);
	}
}

/** Appends what the server sends to what is there and resolves to the finished file. */
async function save(
	url: string,
	name: string,
	response: Response,
	stall: ReturnType<typeof stallGuard>,
	maxBytes: number,
): Promise<string> {
	const part = `${name}.part`;
	if (response.status === 416) return part;
	const isResumed = response.status === 206;
	// Content that was decoded on its way has other offsets than the server's file: it cannot be resumed.
	const isDecoded = response.headers.has("content-encoding");
	const file = isDecoded ? `${name}.decoded` : part;
	const total = isDecoded ? 0 : rangeOf(response).size || Number(response.headers.get("content-length"));
	const have = isResumed ? sizeOf(part) : 0;
	if (total > maxBytes) await refuse(response, new TooLarge(url, maxBytes));
	if (total - have > freeBytes(dirname(name))) await refuse(response, noSpace(url, total - have, dirname(name)));
	if (!isResumed) writeFileSync(`${name}.version`, versionOf(response));
	const progress = progressLine(url, have, total);
	const brokenOff = (why: string) => broken(url, file, why, !isDecoded);
	const arrived = (bytes: number, more: number) => {
		// The server may have said another size, or none.
		if (have + bytes > maxBytes) throw new TooLarge(url, maxBytes);
		stall.arrived(more);
		progress.add(more);
	};
	try {
		const body = response.body as unknown as AsyncIterable<Uint8Array>;
		await pipeline(body, counting(arrived), createWriteStream(file, { flags: isResumed ? "a" : "w" }));
	} catch (error) {
		if (!(error instanceof TooLarge)) throw brokenOff(causeOf(error));
		for (const left of [file, `${name}.version`]) rmSync(left, { force: true });
		throw error;
	} finally {
		progress.end();
	}
	if (sizeOf(file) < total) throw brokenOff("the server ended it");
	return file;
}

function broken(url: string, file: string, why: string, canResume: boolean): Error {
	const message = `The download of ${url} broke off after ${megabytes(sizeOf(file))} MB: ${why}.`;
	return new Error(canResume ? `${message} The same command resumes it.` : message);
}

function freeBytes(folder: string): number {
	const { bavail, bsize } = statfsSync(folder);
	return bavail * bsize;
}

function noSpace(url: string, needed: number, folder: string): Error {
	const [need, free] = [needed, freeBytes(folder)].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
	return new Error(`${url} needs ${need}, and ${free} are free in ${folder}: make room, or give another --into.`);
}

async function refuse(response: Response, error: Error): Promise<never> {
	await response.body?.cancel();
	throw error;
}

/** Returns what passes chunks on and calls `arrived` with the bytes so far and those of the chunk. */
function counting(arrived: (bytes: number, more: number) => void) {
	let bytes = 0;
	return async function* (chunks: AsyncIterable<Uint8Array>) {
		for await (const chunk of chunks) {
			bytes += chunk.length;
			arrived(bytes, chunk.length);
			yield chunk;
		}
	};
}

/** What If-Range can compare: a weak ETag does not promise the same bytes. */
function versionOf({ headers }: Response): string {
	const etag = headers.get("etag");
	return etag && !etag.startsWith("W/") ? etag : (headers.get("last-modified") ?? "");
}

/** A bar that moves on a terminal, one plain line elsewhere. `total` is 0 where the server does not say. */
function progressLine(url: string, have: number, total: number) {
	const started = Date.now();
	let bytes = have;
	let drawn = 0;
	const draw = () => {
		const speed = `${megabytes((1000 * (bytes - have)) / (Date.now() - started + 1))} MB/s`;
		const fraction = Math.min(1, bytes / total);
		const bar = "█".repeat(fraction * 30).padEnd(30, "░");
		const size = `${megabytes(bytes)}${total ? ` of ${megabytes(total)}` : ""} MB`;
		process.stdout.write(`\r${total ? `${bar} ${Math.floor(fraction * 100)} %  ` : ""}${size}  ${speed}\x1b[K`);
		drawn = Date.now();
	};
	const size = total ? ` (${megabytes(total)} MB)` : "";
	console.log(`downloading ${url}${size}${have ? `, ${megabytes(have)} MB are there already` : ""}`);
	return {
		add(more: number) {
			bytes += more;
			if (process.stdout.isTTY && Date.now() - drawn > 100) draw();
		},
		end() {
			if (!process.stdout.isTTY) return;
			draw();
			console.log();
		},
	};
}
