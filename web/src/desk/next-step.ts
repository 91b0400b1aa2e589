import { connectionName, showText } from '@entente/elements'
import type { ConnectionView, Engine } from '@entente/engine'
import { html, type TemplateResult } from 'lit'
import type { Route } from './route.js'

/** What a connection waits for from this org, and where a person does it. */
export interface NextStep {
  readonly route: Extract<Route, { readonly page: 'agreement' | 'sharing' | 'people' | 'site' }>
  readonly why: TemplateResult
  /** The words of the link. */
  readonly words: string
}

/**
 * The next step of a connection that waits for somebody here, on the way from the compared codes to the first export. What another org waits for comes before what
 * only this org would do, so that one idle connection hides no other.
 */
export function nextStep(engine: Engine): NextStep | undefined {
  const steps = engine.connections.list().flatMap((connection) => {
    if (connection.state !== 'Enabled' || connection.verified !== 'yes') return []
    return (connection.side === 'vendor' ? vendorStep(engine, connection) : partnerStep(engine, connection)) ?? []
  })
  for (const page of ['agreement', 'sharing', 'people'] as const) {
    const found = steps.find(({ route }) => route.page === page)
    if (found) return found
  }
  return steps[0]
}

/** Whether the agreement of a connection waits for this org's admins. */
export function agreementWaits(engine: Engine, { id, side, state, verified }: ConnectionView): boolean {
  if (engine.user.role !== 'admin' || state !== 'Enabled' || verified !== 'yes') return false
  return engine.agreements.get(id)?.turn === side || (side === 'vendor' && hasWish(engine, id))
}

/** Whether the partner asks for a field, and nobody has answered. */
function hasWish(engine: Engine, id: ConnectionView['id']): boolean {
  return engine.agreements.wishes(id).some(({ answer }) => answer === undefined)
}

function vendorStep(engine: Engine, connection: ConnectionView): NextStep | undefined {
  const { id } = connection
  if (engine.user.role !== 'admin') return undefined
  const agreement = engine.agreements.get(id)
  const peer = peerOf(connection)
  if (agreement?.turn !== 'vendor' && agreementWaits(engine, connection))
    return { route: { page: 'agreement', connection: id }, why: html`${peer} asks for a field. It is your turn:`, words: 'answer it' }
  if (agreementWaits(engine, connection))
    return {
      route: { page: 'agreement', connection: id },
      why: html`You are connected with ${peer}. Propose which fields may travel. It is your turn:`,
      words: 'choose the fields',
    }
  const agreed = (['Opportunity', 'Lead'] as const).filter((object) => (agreement?.effective?.objects[object]?.fields.length ?? 0) > 0)
  const [object] = agreed
  if (object === undefined) return undefined
  if (agreed.every((each) => engine.sharing.rule(id, each) === undefined))
    return {
      route: { page: 'sharing', object, connection: id },
      why: html`You agreed with ${peer} on fields, and show it no record yet:`,
      words: 'choose the records',
    }
  const people = engine.people.list(id)
  if (people.length > 0 && !people.some(({ granted }) => granted))
    return { route: { page: 'people', connection: id }, why: html`Nobody at ${peer} may export yet:`, words: 'say who may' }
  return undefined
}

function partnerStep(engine: Engine, connection: ConnectionView): NextStep | undefined {
  const { id } = connection
  const peer = peerOf(connection)
  if (agreementWaits(engine, connection))
    return {
      route: { page: 'agreement', connection: id },
      why: html`${peer} has proposed which fields may travel. It is your turn:`,
      words: 'look at it',
    }
  const isNew = !engine.site.jobs().some((job) => job.connection === id)
  if (!isNew || engine.agreements.get(id)?.effective === undefined || engine.site.obstacle(id) !== undefined) return undefined
  return {
    route: { page: 'site', object: 'Opportunity', connection: id },
    why: html`You may export records that ${peer} shows you:`,
    words: 'choose some',
  }
}

function peerOf(connection: ConnectionView): TemplateResult {
  return showText(connectionName(connection), 80)
}
