// Connects to Redis. No message of it holds the password.
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { Redis } from "ioredis";
import { printable } from "../support/text";

const EXPECTED = "expected redis://[user:password@]host:port, or rediss:// with TLS, and a port from 1 to 65535";

/** Milliseconds that a server has to answer. */
const CONNECT_TIMEOUT = 4000;

/**
 * Connects to Redis, with a client that reconnects after restarts of the server.
 *
 * @param url `redis://` or `rediss://` (TLS) `[user:password@]host:port`
 * @param log function called with a line when the connection is lost and when it is back. Default: none
 * @throws when the address is none, the first connection fails, or the user has no write permission
 */
export async function connect(url: string, log: (line: string) => void = () => {}): Promise<Redis> {
	const address = parsedAddress(url);
	const { protocol, host } = address;
	const server = `Redis at ${protocol}//${host}`;
	const timeouts = { connectTimeout: CONNECT_TIMEOUT };
	const first = new Redis(url, { ...timeouts, lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
	let reason = "";
	first.on("error", (error) => {
		reason = error.message;
	});
	const timer = setTimeout(() => {
		reason ||= `no answer within ${CONNECT_TIMEOUT / 1000} s`;
		first.disconnect();
	}, CONNECT_TIMEOUT);
	try {
		await first.connect();
		await first.set("image-classification:check", "1", "EX", 1);
	} catch (error) {
		const message = withoutPassword(reason || (error as Error).message, address);
		if (/NOAUTH|WRONGPASS|NOPERM/.test(message)) throw new Error(`${server} denies access: ${message}`);
		throw new Error(`${server} cannot be used: ${message || "no answer"}; ${await adviceOn(message, address)}`);
	} finally {
		clearTimeout(timer);
		first.disconnect();
	}
	const redis = new Redis(url, { ...timeouts, maxRetriesPerRequest: null });
	redis.on("error", () => {}); // A lost connection: ioredis reconnects.
	let lost = false;
	redis.on("reconnecting", () => {
		if (!lost) log(`${server} does not answer any more: waiting for it`);
		lost = true;
	});
	redis.on("ready", () => {
		if (lost) log(`${server} answers again`);
		lost = false;
	});
	return redis;
}

/** @throws when a text is no address; a text that can hold a password is not shown */
function parsedAddress(url: string): URL {
	try {
		const address = new URL(url);
		decodeURIComponent(address.username + address.password);
		if (/^rediss?:$/.test(address.protocol) && address.hostname && address.port !== "0") return address;
	} catch {
		// Explained below.
	}
	const isHost = /^(\w+:\/\/)?[\w.-]+(:\d*)?\/?$/.test(url);
	throw new Error(`${isHost ? url : "the address given"} is not a Redis address: ${EXPECTED}`);
}

function withoutPassword(message: string, { password, searchParams }: URL): string {
	const forms = [decodeURIComponent(password), password, searchParams.get("password") ?? ""].filter(Boolean);
	return printable(forms.reduce((text, form) => text.replaceAll(form, "…"), message));
}

/** Returns the likely cause of a failed connection. */
async function adviceOn(message: string, { protocol, hostname, port }: URL): Promise<string> {
	if (/certificate|altname/i.test(message)) {
		return "NODE_EXTRA_CA_CERTS=FILE makes Node trust your certificate authority";
	}
	const usesTls = protocol === "rediss:";
	// A URL has brackets around an IPv6 address.
	const server = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
	if (await (usesTls ? answersPlain(server) : answersTls(server))) {
		return usesTls
			? "it answers without TLS: the address begins with redis:// instead of rediss://"
			: "it expects TLS: the address begins with rediss:// instead of redis://";
	}
	return "is redis-server running there?";
}

type Server = { host: string; port: number };

/** Whether a server answers as a Redis does, without TLS. */
async function answersPlain(server: Server): Promise<boolean> {
	const socket = connectTcp(server);
	try {
		socket.write("PING\r\n");
		const [answer] = await once(socket, "data", { signal: AbortSignal.timeout(CONNECT_TIMEOUT / 2) });
		return /^[+-]/.test(String(answer));
	} catch {
		return false;
	} finally {
		socket.destroy();
	}
}

/** Whether a server speaks TLS; its certificate does not matter here, since nothing is sent. */
async function answersTls({ host, port }: Server): Promise<boolean> {
	const socket = connectTls({ host, port, rejectUnauthorized: false });
	try {
		await once(socket, "secureConnect", { signal: AbortSignal.timeout(CONNECT_TIMEOUT / 2) });
		return true;
	} catch (error) {
		// A refusal in TLS is an answer in TLS.
		return /^ERR_SSL_.*ALERT/.test((error as NodeJS.ErrnoException).code ?? "");
	} finally {
		socket.destroy();
	}
}
