import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vite'
import manifest from './packages/elements/package.json' with { type: 'json' }

// The one-file build, beside the app's: `entente.js` for `<script type="module">`, `entente.classic.js` for `<script>`, and their integrity hashes.

/** The same file in the package of the elements, for those who take it from there. */
const inPackage = new URL('packages/elements/dist/cdn.js', import.meta.url)

/** Where the first copy on a page leaves its name for the others. */
const known = "globalThis[Symbol.for('entente.file')]"

/** A second copy leaves all to the first. Lit's policy for trusted types can be made once, so nothing of it may run. */
const guard = `if (${known}) {
  console.warn('Version ' + ${known}.libraryVersion + ' of entente.js is already on this page; version ${manifest.version} is left out. Load it once.');
  return ${known};
}`

function asFiles(): Plugin {
  return {
    name: 'entente-files',
    generateBundle(_, bundle) {
      const [chunk] = Object.values(bundle)
      if (chunk?.type !== 'chunk') throw new Error('The one-file build made no script.')
      // Minified, it breaks lines in templates alone, where indentation says nothing.
      const code = chunk.code.trimEnd().replaceAll(/\n\s+/g, '\n')
      const classic = `${code}\n${known} ??= Entente;\n`
      const files = {
        'entente.js': `${classic}export const { ${chunk.exports.join(', ')} } = Entente;\n`,
        'entente.classic.js': classic,
      }
      mkdirSync(new URL('.', inPackage), { recursive: true })
      writeFileSync(inPackage, files['entente.js'])
      for (const name of Object.keys(bundle)) delete bundle[name]
      for (const [fileName, source] of Object.entries(files)) this.emitFile({ type: 'asset', fileName, source })
      const hashes = Object.entries(files).map(([name, text]) => [name, `sha384-${createHash('sha384').update(text).digest('base64')}`])
      const source = `${JSON.stringify({ version: manifest.version, ...Object.fromEntries(hashes) }, undefined, 2)}\n`
      this.emitFile({ type: 'asset', fileName: 'entente.integrity.json', source })
    },
  }
}

export default defineConfig({
  root: 'web',
  publicDir: false,
  resolve: {
    conditions: ['entente-source', 'module', 'browser', 'production'],
    alias: { 'lib0/logging': fileURLToPath(new URL('web/src/yjs-logging.ts', import.meta.url)) },
  },
  define: { 'process.env.NODE_ENV': '"production"' },
  plugins: [asFiles()],
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2023',
    lib: { entry: fileURLToPath(new URL('web/src/tag/main.ts', import.meta.url)), name: 'Entente', formats: ['iife'] },
    rolldownOptions: { output: { intro: guard } },
  },
})
