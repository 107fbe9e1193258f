// The address of a Redis on the command line, which can hold a password.
import { messageOf } from "../setup/text.mjs";

/** What can be an address with a password, in the right place of the command line or in a wrong one. */
const ADDRESS = /[^\s"'`]*(?:rediss?:|:[^\s"'`]*@)[^\s"'`]*/gi;

/**
 * Reads arguments or a file.
 *
 * @throws what `read` throws, with `…` for what can be an address with a password
 */
export function withoutAddress<T>(read: () => T): T {
	try {
		return read();
	} catch (error) {
		throw new Error(messageOf(error).replace(ADDRESS, "…"));
	}
}
