import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve as resolvePath } from 'node:path'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import type { Plugin } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { defineConfig } from 'vitest/config'
import { leaveOut } from './test/src/left-out/leave-out.js'
import { addPolicy } from './web/src/policy/page-policy.js'

// One file for both: vite builds the app in web/, vitest runs the tests of every room. Rooms find each other's sources by the condition
// "entente-source", so neither needs a build first.
const conditions = ['entente-source']
const resolve = { conditions: [...conditions, 'module', 'browser', 'development|production'] }
const ssr = { resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] } }
// Patience for a busy machine, but less than the 5 s after which a relay looks by itself for what it was not told.
const expect = { poll: { timeout: 3_000 } }
/** The tests that read the tree itself: its folders, walls and rules, and whether documents say what is so. They need no build and no browser. */
const house = [
  'api-examples',
  'bad-input',
  'docs-links',
  'errors',
  'folders',
  'left-out/left-out',
  'partner-connect',
  'readmes',
  'rules',
  'scale-doc',
  'spec-tables',
  'vectors',
  'walls',
].map((name) => `test/src/${name}.test.ts`)
/** Hundreds of runs each, which only compute: the checks run them after the other tests, which they would slow down. */
const simulations = 'packages/engine/src/testing/*simulation.test.ts'
// Nothing, unless `npm run left-out` tries whether a test finds that a rule is left out.
const plugins = [...leaveOut()]
const page = (name: string): string => fileURLToPath(new URL(`web/${name}.html`, import.meta.url))

export default defineConfig({
  root: 'web',
  resolve: { ...resolve, alias: { 'lib0/logging': fileURLToPath(new URL('web/src/yjs-logging.ts', import.meta.url)) } },
  ssr,
  plugins: [addPolicy(), serviceWorker()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    rolldownOptions: { input: ['index', 'rehearsal', 'workspace', 'site', 'orgs', 'admin', 'mirror'].map(page) },
  },
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    // As many as there are cores, not one fewer: most tests wait for relays and pages more than they compute.
    maxWorkers: availableParallelism(),
    coverage: {
      provider: 'v8',
      include: ['{packages/*,relay-server,web}/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing/**'],
      reporter: ['text-summary', 'json-summary'],
    },
    projects: [
      {
        resolve,
        ssr,
        plugins,
        test: {
          name: 'unit',
          expect,
          // Files of one worker share what they import, which is a seventh of the run. None of them changes anything global.
          isolate: false,
          setupFiles: ['test/src/property-seed.ts'],
          // For disks that take long to write and machines that do much else: here the slowest takes about three seconds.
          testTimeout: 20_000,
          hookTimeout: 60_000,
          include: ['packages/**/*.test.ts', 'relay-server/**/*.test.ts', 'web/**/*.test.ts'],
          exclude: ['**/*.browser.test.ts', simulations, '**/node_modules/**', '**/dist/**'],
        },
      },
      {
        resolve,
        ssr,
        plugins,
        test: {
          name: 'simulations',
          setupFiles: ['test/src/property-seed.ts'],
          include: [simulations],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        resolve,
        ssr,
        plugins,
        test: {
          name: 'stories',
          expect,
          globalSetup: ['test/src/built-pages.ts'],
          include: ['test/**/*.test.ts'],
          exclude: ['**/*.browser.test.ts', '**/node_modules/**', '**/dist/**', ...house],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      { resolve, ssr, test: { name: 'house', include: house, testTimeout: 120_000 } },
      {
        resolve,
        plugins,
        test: {
          name: 'browser',
          expect,
          // Files share one page and what it has loaded, which is most of what they took. Each clears away what it has put there.
          isolate: false,
          include: ['{packages,web,test}/**/*.browser.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          browser: {
            enabled: true,
            headless: true,
            instances: [{ browser: 'chromium' }],
            viewport: { width: 1000, height: 700 },
            provider: playwright({
              launchOptions: {
                executablePath: chromium(),
                args: [
                  '--no-sandbox',
                  '--disable-gpu',
                  '--disable-quic',
                  '--no-first-run',
                  '--disable-background-networking',
                  '--disable-component-update',
                  '--disable-sync',
                ],
              },
              contextOptions: { locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' },
            }),
          },
        },
      },
    ],
  },
})

function chromium(): string {
  return process.env['CHROMIUM_BIN'] ?? execFileSync('sh', ['-c', 'command -v chromium || true'], { encoding: 'utf8' }).trim()
}

/** Builds `web/src/service-worker/sw.ts`, last of all, with the names and hashes of the files that the build made. */
function serviceWorker(): Plugin[] {
  let directory = ''
  return [
    { name: 'entente-directory', configResolved: ({ root, build }) => void (directory = resolvePath(root, build.outDir)) },
    ...VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src/service-worker',
      filename: 'sw.ts',
      injectRegister: false,
      manifest: false,
      injectManifest: {
        rollupFormat: 'iife',
        globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
        globIgnores: ['entente*.js'],
        dontCacheBustURLsMatching: /^assets\//,
        manifestTransforms: [
          (files) => ({
            manifest: files.map((file) => {
              const digest = createHash('sha256').update(readFileSync(join(directory, file.url)))
              return { ...file, integrity: `sha256-${digest.digest('base64')}` }
            }),
          }),
        ],
      },
    }),
  ]
}
