// Promises as Node shows them without async hooks, whose numbers it keeps in them and shows.
import { inspect } from "node:util";

/** From now on `inspect`, and so `console.log`, shows of a promise only its state and value. */
export function inspectPromisesShortly(): void {
	Object.defineProperty(Promise.prototype, inspect.custom, {
		configurable: true,
		value(this: object): object {
			for (const key of Object.getOwnPropertySymbols(this)) {
				Reflect.defineProperty(this, key, { enumerable: false });
			}
			return this;
		},
	});
}
