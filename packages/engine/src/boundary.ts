import type { Engine } from './api/index.js'
import { checkArguments, type GroupName } from './arguments.js'
import { EngineError, type EngineErrorCode, toEngineError } from './error.js'

type Method = (...args: readonly unknown[]) => unknown
type Kind = 'promise' | 'value'

/** Each method of a group with the way it answers. A method that is missing here, or stands here under the wrong kind, is a type error. */
type Kinds<Group> = {
  readonly [Name in keyof Group]: Group[Name] extends (...args: never[]) => Promise<unknown> ? 'promise' : 'value'
}

/** The whole API but `watch` and `close`: which methods give a promise, and which answer or throw at once. */
export const methodsByGroup: { readonly [Group in GroupName]: Kinds<Engine[Group]> } = {
  records: {
    schema: 'value',
    addField: 'promise',
    setSchema: 'promise',
    get: 'value',
    list: 'value',
    ids: 'value',
    create: 'promise',
    createMany: 'promise',
    edit: 'promise',
    convert: 'promise',
    remove: 'promise',
    shares: 'value',
    sharedOver: 'value',
    stopSharing: 'promise',
    resumeSharing: 'promise',
  },
  connections: {
    list: 'value',
    get: 'value',
    invite: 'promise',
    cancelInvitation: 'promise',
    accept: 'promise',
    read: 'value',
    compareCodes: 'promise',
    pause: 'promise',
    resume: 'promise',
    compareAgain: 'promise',
    rename: 'promise',
    remove: 'promise',
    disconnect: 'promise',
  },
  agreements: {
    get: 'value',
    withdraw: 'promise',
    switchObject: 'promise',
    reached: 'value',
    gaps: 'value',
    fillIn: 'promise',
    wishes: 'value',
    ask: 'promise',
    takeBackWish: 'promise',
    answerWish: 'promise',
    history: 'value',
    propose: 'promise',
    accept: 'promise',
    suggest: 'value',
    preflight: 'value',
  },
  sharing: { rule: 'value', setRule: 'promise', visible: 'value', count: 'value' },
  people: {
    list: 'value',
    seats: 'value',
    setSeats: 'promise',
    grant: 'promise',
    revoke: 'promise',
    users: 'value',
    addUser: 'promise',
    removeUser: 'promise',
  },
  devices: {
    list: 'value',
    invitations: 'value',
    invite: 'promise',
    confirm: 'promise',
    cancel: 'promise',
    rename: 'promise',
    setRole: 'promise',
    remove: 'promise',
    rotate: 'promise',
    keys: 'value',
  },
  site: {
    listings: 'value',
    fields: 'value',
    obstacle: 'value',
    export: 'promise',
    copies: 'value',
    jobs: 'value',
    errors: 'value',
    errorFile: 'value',
    pause: 'promise',
    resume: 'promise',
    cancel: 'promise',
    retry: 'promise',
    recall: 'promise',
    recalls: 'value',
  },
  mirrors: { of: 'value', count: 'value' },
  changes: { list: 'value', count: 'value', markSeen: 'promise' },
  differences: { list: 'value' },
  sync: { status: 'value', cut: 'value', mend: 'value', settled: 'promise', openGateway: 'promise' },
  recovery: { status: 'value', makeKit: 'promise', confirmKit: 'promise', tryKit: 'promise', backup: 'promise', confirmAge: 'promise' },
  settings: { read: 'value', change: 'promise', site: 'value', changeSite: 'promise' },
  undo: { list: 'value', last: 'value', run: 'promise' },
  drafts: { list: 'value', of: 'value', keep: 'promise', drop: 'promise' },
  history: { of: 'promise', putBack: 'promise' },
  audit: { list: 'promise', verify: 'promise', compare: 'value' },
  imports: { list: 'value', start: 'promise', run: 'promise', stop: 'promise', undo: 'promise' },
}

/** What a call meets because its engine closes: no line, a store that is closed, parts that are gone. */
const brokenByClosing: ReadonlySet<EngineErrorCode> = new Set(['OFFLINE', 'STORE', 'INTERNAL'])

const interrupted = (cause: unknown): EngineError =>
  new EngineError('CLOSED', 'The engine was closed during this call. Open the org again and check what was saved.', [], cause)

/**
 * An engine as a page gets it. The shape of every argument is checked. Every failure that leaves it is an EngineError, and after `close` every method but `close` refuses with CLOSED. The
 * parts behind it throw what they meet: their errors are mapped here and nowhere else.
 */
export function withBoundary(engine: Engine): Engine {
  let closing: Promise<void> | undefined
  /** Ends each call under way. */
  const interrupts = new Set<(error: EngineError) => void>()

  const requireOpen = (): void => {
    if (closing) throw new EngineError('CLOSED', 'The engine of this org was closed. Open the org again.')
  }
  // A refusal that has nothing to do with the closing stands also while the engine closes.
  const toRefusal = (error: unknown, call: string): EngineError =>
    closing && !(error instanceof EngineError && !brokenByClosing.has(error.code)) ? interrupted(error) : toEngineError(error, call)

  const guard = (call: string, kind: Kind, method: Method): Method =>
    kind === 'promise'
      ? async (...args) => {
          requireOpen()
          let interrupt: (error: EngineError) => void = () => undefined
          const interruption = new Promise<never>((_, reject) => (interrupt = reject))
          interrupts.add(interrupt)
          try {
            return await Promise.race([method(...args), interruption])
          } catch (error) {
            throw toRefusal(error, call)
          } finally {
            interrupts.delete(interrupt)
          }
        }
      : (...args) => {
          requireOpen()
          try {
            return method(...args)
          } catch (error) {
            throw toRefusal(error, call)
          }
        }

  const guardGroup = <Name extends GroupName>(name: Name): Engine[Name] => {
    const group = engine[name] as unknown as Readonly<Record<string, Method>>
    const kinds: Readonly<Record<string, Kind>> = methodsByGroup[name]
    const methods = Object.entries(kinds).map(([method, kind]) => {
      const call: Method = (...args) => group[method]?.(...checkArguments(name, method, args))
      return [method, guard(`${name}.${method}`, kind, call)] as const
    })
    return Object.fromEntries(methods) as unknown as Engine[Name]
  }

  return {
    org: engine.org,
    user: engine.user,
    records: guardGroup('records'),
    connections: guardGroup('connections'),
    agreements: guardGroup('agreements'),
    sharing: guardGroup('sharing'),
    people: guardGroup('people'),
    devices: guardGroup('devices'),
    site: guardGroup('site'),
    mirrors: guardGroup('mirrors'),
    changes: guardGroup('changes'),
    differences: guardGroup('differences'),
    sync: guardGroup('sync'),
    recovery: guardGroup('recovery'),
    settings: guardGroup('settings'),
    undo: guardGroup('undo'),
    drafts: guardGroup('drafts'),
    imports: guardGroup('imports'),
    audit: guardGroup('audit'),
    history: guardGroup('history'),
    watch(listener) {
      requireOpen()
      if (typeof listener !== 'function') throw new EngineError('INVALID', 'watch takes a function as “listener”. Correct the call.')
      return engine.watch(listener)
    },
    close() {
      closing ??= engine
        .close()
        .catch((error: unknown) => {
          throw toEngineError(error, 'close')
        })
        .finally(() => {
          for (const interrupt of interrupts) interrupt(interrupted(undefined))
        })
      return closing
    },
  }
}
