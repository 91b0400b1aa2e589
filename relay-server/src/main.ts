#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runBackup } from './command/backup.js'
import { runCheck } from './command/check.js'
import { runOrgs } from './command/orgs.js'
import { runRestore } from './command/restore.js'
import { runStats } from './command/stats.js'
import { readCommandLine, SettingError, usage } from './config/command-line.js'
import type { RelayConfig } from './config/config.js'
import { createLog, reasonOf } from './log.js'
import { type RunningRelay, startRelay } from './relay.js'

/** How long an orderly stop may take, in ms, before the process exits anyway. */
const stopMs = 9_500

async function main(): Promise<void> {
  const asked = readCommandLine(process.argv.slice(2), process.env)
  switch (asked.command) {
    case 'help':
      process.stdout.write(usage)
      return
    case 'version':
      process.stdout.write(`${versionOfPackage()}\n`)
      return
    case 'serve':
      return serve(asked.config)
    case 'check':
      process.exitCode = await runCheck(asked.location)
      return
    case 'backup':
      process.exitCode = await runBackup(asked.location, asked.file)
      return
    case 'restore':
      process.exitCode = await runRestore(asked.location, asked.file)
      return
    case 'stats':
      process.exitCode = await runStats(asked.location, asked.json)
      return
    case 'orgs':
      process.exitCode = await runOrgs(asked)
  }
}

async function serve(config: RelayConfig): Promise<void> {
  const log = createLog(config.logLevel)
  const relay = await startRelay({ ...config, web: config.web ?? builtWebApp() }, log)
  // Printed even where the log level hides it: the port behind `--port 0` is only known now.
  if (config.logLevel !== 'info' && config.logLevel !== 'debug')
    process.stdout.write(`${JSON.stringify({ event: 'listening', url: relay.url, port: relay.port })}\n`)
  // Not in the log: to standard error, as what the operator alone may read. A token that the operator set is known already.
  if (config.adminToken === undefined) process.stderr.write(`The operator’s page: ${adminLink(config, relay)}\n`)
  const stop = (signal: string): void => {
    log.info('stopping', { signal })
    setTimeout(() => process.exit(1), stopMs).unref()
    relay.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('stop-failed', { reason: reasonOf(error) })
        process.exit(1)
      },
    )
  }
  process.on('SIGHUP', () => {
    log.info('reloading')
    relay.reload()
  })
  process.once('SIGTERM', () => stop('SIGTERM'))
  process.once('SIGINT', () => stop('SIGINT'))
}

/** The token stands in the fragment, which no browser sends and no proxy logs. */
function adminLink({ host }: RelayConfig, { url, adminToken }: RunningRelay): string {
  // An address that means all of this machine's is none that a browser can dial.
  const dialled = host === '0.0.0.0' || host === '::' ? Object.assign(new URL(url), { hostname: 'localhost' }) : url
  return String(new URL(`admin.html#token=${adminToken}`, dialled))
}

function versionOfPackage(): string {
  // Our own file: naming its form is the boundary.
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return version
}

/** The built web app beside this package, or undefined before a build. */
function builtWebApp(): string | undefined {
  const directory = fileURLToPath(new URL('../../web/dist', import.meta.url))
  return existsSync(directory) ? directory : undefined
}

main().catch((error: unknown) => {
  process.stderr.write(`entente-relay: ${reasonOf(error)}\n`)
  process.exitCode = error instanceof SettingError ? 2 : 1
})
