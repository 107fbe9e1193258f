// Errors of the API: JSON `{error}` in the API's own words. What a library says can hold paths, and is not sent.
import type { Socket } from "node:net";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { printable } from "../../src/support/text";

/** An error that is answered with its message. */
export interface HttpError extends Error {
	statusCode: number;
	headers: Record<string, string>;
}

const answered = new WeakSet<Error>();

/** Returns an error that is answered with a status, its message and headers. */
export function httpError(statusCode: number, message: string, headers: Record<string, string> = {}): HttpError {
	const error = Object.assign(new Error(message), { statusCode, headers });
	answered.add(error);
	return error;
}

/** Returns the error of a server that has as much to do as it can hold. */
export const busy = (what: string): HttpError =>
	httpError(503, `${what}: try again in a second`, { "retry-after": "1" });

/** Returns the error of a body that is too large. */
export const tooLarge = (maxBytes: number): HttpError =>
	httpError(413, `the body is too large: expected at most ${maxBytes / 1e6} MB, or start the server with --max-mb`);

/** Answers errors and unknown routes of an app. */
export function answerErrors(app: FastifyInstance, maxBytes: number): void {
	app.setNotFoundHandler((_, reply) => send(reply, httpError(404, "there is no such route: see /openapi.json")));
	app.setErrorHandler((error: Error, _, reply) => send(reply, explained(error, maxBytes)));
}

/** Answers an address that cannot be read, for which there is no route. */
export const answerBadAddress = (_: FastifyError, _request: FastifyRequest, reply: FastifyReply): unknown =>
	send(reply, httpError(400, "the address is not valid: see /openapi.json"));

function send(reply: FastifyReply, { statusCode, message, headers }: HttpError): FastifyReply {
	return reply.code(statusCode).headers(headers).send({ error: message });
}

function explained(error: Error & { statusCode?: number }, maxBytes: number): HttpError {
	if (answered.has(error)) return error as HttpError;
	const { statusCode = 500 } = error;
	if (statusCode === 413) return tooLarge(maxBytes);
	if (statusCode === 415) return httpError(415, "this type of content is not expected here: see /openapi.json");
	if (statusCode >= 400 && statusCode < 500)
		return httpError(400, "the body cannot be read: it is cut off, or not what its content type says");
	console.error(`a request failed: ${printable(error.message)}`);
	if (process.env.DEBUG) console.error(error);
	return httpError(500, "the server failed at this request: its log says why");
}

const LINES: Record<string, string> = {
	ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
	HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

/** Answers what is no HTTP, comes too slowly, or has headers that are too large; then the connection ends. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
	if (error.code === "ECONNRESET" || socket.destroyed) return;
	const line = LINES[error.code ?? ""] ?? "400 Bad Request";
	const body = JSON.stringify({ error: `the request cannot be read: ${line.slice(4).toLowerCase()}` });
	const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
	if (socket.writable) socket.write(`HTTP/1.1 ${line}\r\n${head}\r\n\r\n${body}`);
	socket.destroySoon();
}
