// The browser of the machine, for tests of pages.
import { execFileSync } from "node:child_process";
import { type Browser, chromium } from "playwright-core";
import { browserCommand } from "../tools/setup/processes.mjs";

const command = browserCommand();

/** Why tests of pages are skipped; false where there is a browser. */
export const noBrowser = command ? false : "there is no Chromium or Chrome on this machine";

/** Starts the browser, without a graphics card unless `args` say otherwise. */
export function launchBrowser(args = ["--disable-gpu"]): Promise<Browser> {
	const executablePath = execFileSync("which", [command as string], { encoding: "utf8" }).trim();
	return chromium.launch({
		executablePath,
		args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", ...args],
	});
}
