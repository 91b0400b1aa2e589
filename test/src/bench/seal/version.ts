import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runReplica, type Version } from '../replica-run.js'

// One version of the engine in a process of its own: `node version.js DIR DOCS`, with DIR the checkout. It measures once for each message that it
// gets, and sends the figures back.

const [, , directory = '', docs = ''] = process.argv
const load = (file: string): Promise<unknown> => import(pathToFileURL(join(directory, 'packages', file)).href)
// Another checkout's exports are typed as this one's; where they differ, the run throws.
const version = {
  engine: await load('engine/dist/testing/index.js'),
  protocol: await load('protocol/dist/index.js'),
} as Version

/** Processor time of this process: what else runs on the machine does not count. */
const processorTime = (): number => process.cpuUsage().user / 1000

process.on('message', () => {
  void measure()
})
process.send?.('ready')

async function measure(): Promise<void> {
  const { figures } = await runReplica(version, { docs: Number(docs), now: processorTime })
  process.send?.(figures)
}
