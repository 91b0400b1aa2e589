// `npm run verify`: the one list of checks, run by hand, by the pre-push hook and by CI. Stops at the first that fails. Those that are not for every push run only
// where they are named.
import { spawnSync } from 'node:child_process'
import { installPackages, root } from './set-up.mjs'

// Packages of another lock file would make any check fail for no fault of the tree.
installPackages()

const published = ['packages/protocol', 'packages/engine', 'packages/browser', 'packages/elements', 'relay-server']

const checks = [
  ['format', 'oxfmt --check .'],
  ['types', 'tsc -b && tsc -p test/tsconfig.tests.json'],
  // After the types: the type-aware rules read the declarations that the compiler has just written.
  ['lint', 'oxlint --type-aware --deny-warnings'],
  ['unused code and dependencies', 'knip'],
  ['tests', "vitest run --project '!simulations'"],
  // Hundreds of runs each, which only compute. Beside the other tests, even at the lowest priority, they made those that wait for pages and relays too slow.
  ['simulations', 'vitest run --project simulations'],
  ['build', 'vite build --logLevel warn && vite build --config vite.tag.config.ts --logLevel warn'],
  ['sizes', 'size-limit'],
  ['packages', published.map((name) => `publint ${name} --strict`).join(' && ')],
  ['package types', published.map((name) => `attw --profile esm-only --pack ${name}`).join(' && ')],
  ['manifest', 'node test/verify/manifest.mjs'],
  ['one copy of yjs', 'node test/verify/one-yjs.mjs'],
]

// Another Node, as a package of npm that has its binary and runs no script. The pages need none, and what counts seeds says the same under each.
const node24 = `npm exec --yes --package=node-${process.platform}-${process.arch}@24 -- node`
const stories = ['relay-stop', 'relay-disk', 'relay-kill', 'backup', 'restore', 'gateway', 'join'].map((name) => `test/src/${name}.test.ts`)
const onlyNamed = [
  // Counting what runs slows down whatever computes, and holds nobody to anything.
  ['coverage', 'vitest run --coverage'],
  [
    'node24',
    `${node24} --version && tsc -b && ${node24} node_modules/vitest/vitest.mjs run packages/protocol packages/engine relay-server ${stories.join(' ')}`,
  ],
]

const only = process.argv.slice(2)
for (const [name, command] of [...checks, ...onlyNamed]) {
  const isMeant = only.length > 0 ? only.includes(name) : checks.some(([each]) => each === name)
  if (!isMeant) continue
  const start = performance.now()
  console.log(`── ${name}: ${command}`)
  const { status } = spawnSync('sh', ['-c', command], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
  })
  if (status !== 0) {
    console.error(`✗ ${name} failed`)
    process.exit(1)
  }
  console.log(`✓ ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`)
}
console.log('All checks passed')
