// Runs plugin_test.php in one PHP that was compiled to WebAssembly:
//
//   node run.js VERSION DIRECTORY
//
// prints "php X.Y.Z" and then what the tests print, a line each. DIRECTORY holds plugin_test.php.
// Every test is a request of its own, as in PHP-FPM: what it defines is gone with the next one.

import { webcrypto } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PHP, loadPHPRuntime } from '@php-wasm/universal';

globalThis.crypto ??= webcrypto; // PHP's random_bytes asks it; Node.js 18 has it only there.

const [version, directory] = process.argv.slice(2);
const build = await import(`@php-wasm/node-${version.replace('.', '-')}`);
const php = new PHP(await loadPHPRuntime(await build.getPHPLoaderModule(), {}));

function copy(from, to) {
	php.mkdir(to);
	for (const entry of readdirSync(from, { withFileTypes: true })) {
		if (entry.isDirectory() && entry.name !== 'phps') {
			copy(join(from, entry.name), `${to}/${entry.name}`);
		} else if (/\.(php|json)$/.test(entry.name)) {
			php.writeFile(`${to}/${entry.name}`, readFileSync(join(from, entry.name)));
		}
	}
}

async function tested(argument) {
	const code = `<?php error_reporting( E_ALL ); $argv = array( 'plugin_test.php', '${argument}' ); require '/plugin/plugin_test.php';`;
	try {
		return (await php.run({ code })).text.trim();
	} catch (failure) {
		if (!failure.response) {
			throw failure;
		}
		return failure.response.text.trim(); // It exited with another code than 0, having said why.
	}
}

copy(directory, '/plugin');
console.log('php', (await php.run({ code: '<?php echo PHP_VERSION;' })).text);
const count = Number(await tested('count'));
for (let test = 0; test < count; test++) {
	console.log((await tested(test)) || `FAIL test-${test} -- its process died`);
}
process.exit(0);
