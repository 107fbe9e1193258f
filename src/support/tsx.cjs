// TypeScript by tsx, for `--require` and `require`; packages are JavaScript, which Node loads as it is. tsx reads each of
// their files for syntax to translate too: TensorFlow.js would take twice as long to load.
const { sep } = require("node:path");

const { extensions } = require;
const asItIs = extensions[".js"];
// @ts-expect-error: it has no types.
require("tsx/cjs");
const translated = extensions[".js"];
/** @param {NodeJS.Module} module @param {string} file */
extensions[".js"] = (module, file) => (file.includes(`${sep}node_modules${sep}`) ? asItIs : translated)(module, file);
