// JSON that people write by hand: byte order marks, comments, and errors with a line number.
import { readFileSync } from "node:fs";

/**
 * Reads a JSON file in UTF-8, with or without a byte order mark, with line feeds or CRLF, and with JavaScript comments.
 *
 * @throws when it cannot be read, is not UTF-8 (UTF-16 is named) or is not JSON: the file, the line and what is wrong
 */
export const readJson = (file: string): unknown => parseJson(readFileSync(file), file);

/**
 * Parses JSON as `readJson` does.
 *
 * @param name what messages call the JSON
 */
export function parseJson(bytes: Uint8Array, name: string): unknown {
	const text = decode(bytes, name);
	try {
		return JSON.parse(text);
	} catch {
		// Most JSON has no comments and is parsed already.
	}
	// Strings are matched too, so that `//` in an address stays; other characters keep their line.
	const comment = /"(?:\\.|[^"\\])*"|\/\/[^\r\n]*|\/\*.*?\*\//gs;
	const plain = text.replace(comment, (found) => (found[0] === '"' ? found : found.replace(/[^\r\n]/g, " ")));
	try {
		return JSON.parse(plain);
	} catch (error) {
		throw new Error(`${name} is not JSON${reasonFor(plain) ?? `: ${(error as Error).message}`}`);
	}
}

function decode(bytes: Uint8Array, name: string): string {
	try {
		// Drops a byte order mark.
		const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
		if (!text.includes("\0")) return text;
	} catch {
		// Named below.
	}
	const isUtf16 = bytes.includes(0) || ["255,254", "254,255"].includes(bytes.subarray(0, 2).join());
	throw new Error(`${name} is ${isUtf16 ? "UTF-16 text" : "not UTF-8 text"}: save it as UTF-8`);
}

/** Says what is wrong in which line, as esbuild sees it; JSON.parse of Node 20 gives no position. */
function reasonFor(text: string): string | null {
	try {
		const { transformSync } = require("esbuild") as typeof import("esbuild");
		transformSync(text, { loader: "json", logLevel: "silent" });
		return null;
	} catch (error) {
		const [first] = (error as import("esbuild").TransformFailure).errors ?? [];
		return first?.location ? `, line ${first.location.line}: ${first.text}` : null;
	}
}
