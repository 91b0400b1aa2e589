// What a fresh machine lacks, before anything of the project can run: no dependencies here.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Installs what package-lock.json says, when it is not there or older than the lock. */
export function installPackages() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: 20.19 or later is needed.`)
  const stamp = `${root}node_modules/.package-lock.json`
  const fresh = existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs
  if (!fresh) run('npm', ['ci', '--no-audit', '--no-fund'])
}

/** The path of a Chromium; fetched through apt where that is possible, else a clear word. */
export function findChromium() {
  const found = () => process.env.CHROMIUM_BIN || which('chromium') || which('chromium-browser') || which('google-chrome')
  if (!found()) fetchThroughApt('Chromium', 'chromium')
  return found() || fail('The browser tests need Chromium. Install it, or set CHROMIUM_BIN to its path, and run again.')
}

/** Sees to it that there is a PostgreSQL server to start; fetched through apt where that is possible, else a clear word. */
export function findPostgres() {
  const found = () => which('initdb') || existsSync('/usr/lib/postgresql/15/bin/initdb') || existsSync('/usr/lib/postgresql/16/bin/initdb')
  if (!found()) fetchThroughApt('PostgreSQL', 'postgresql-15')
  return (
    found() || fail('The tests of the relay’s larger store need PostgreSQL 15. Install it (apt-get install postgresql-15), and run again.')
  )
}

/** Fetches nginx through apt where that is possible. Without it the tests of a relay behind a proxy are skipped, which they say. */
export function findNginx() {
  if (!which('nginx')) fetchThroughApt('nginx', 'nginx-light')
}

/** Where this user may; what is missing afterwards is its caller's to say. */
function fetchThroughApt(name, debianPackage) {
  if (process.getuid?.() !== 0 || !which('apt-get')) return
  console.log(`${name} is missing; installing it through apt …`)
  attempt('apt-get', ['update', '-qq'])
  attempt('apt-get', ['install', '-y', '-qq', debianPackage])
}

/** Runs a command from the project's root and ends with its code when it fails. */
export function run(command, args, env = {}) {
  const status = attempt(command, args, env)
  if (status !== 0) process.exit(status ?? 1)
}

const attempt = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status

function which(name) {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

export const readJson = (path) => JSON.parse(readFileSync(new URL(path, `file://${root}`), 'utf8'))
