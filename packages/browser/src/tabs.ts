import type { Tabs } from '@entente/engine'

/** What happens to a page, as far as its tabs look. A part of its own, so that tests make it happen. */
export interface PageLife {
  isVisible(): boolean
  /** Calls back when the page is shown or hidden, and before it is frozen and after it wakes up. @returns a function that ends this */
  watch(calls: { readonly visibility: () => void; readonly freeze: () => void; readonly wake: () => void }): () => void
}

/** Pauses in milliseconds. */
export interface TabPauses {
  /** By how much a hidden tab asks for the lead later than a visible one. */
  readonly hiddenDelay: number
  /** How often a tab that waits asks the one that leads whether it is there. */
  readonly ask: number
  /** After how long a silence it takes the lead. Each time that this was in vain, the next takes twice as long. */
  readonly silence: number
  /** How long a tab that leads may be hidden before a visible one takes its lead. */
  readonly hidden: number
}

const usualPauses: TabPauses = { hiddenDelay: 500, ask: 5_000, silence: 15_000, hidden: 60_000 }

/**
 * Between tabs, beside the engine's messages: one that opens says that it is here, and the others that they are there. One that waits asks, and the one that leads says for
 * how long it has been hidden (milliseconds, 0 while visible).
 */
type LeadMessage = { readonly lead: 'here' | 'there' | 'asked' } | { readonly lead: 'led'; readonly hiddenMs: number }

/** What a tab that is alone would have told is kept for so long, in ms: another one that opens may have read the store before that, and is heard after it. */
const keptMs = 10_000

/**
 * The tabs of this profile that hold the same org open, as the engine's Tabs. A Web Lock makes one of them the leader; over a BroadcastChannel they tell
 * each other what they saved. A hidden tab asks for the lock half a second later than a visible one, so that the tab a person looks at leads.
 *
 * The lead goes on when the tab that has it is closed or frozen, has not answered for 15 seconds, or was hidden for a minute and another one is visible. A browser
 * without BroadcastChannel has one tab that leads as well: the store decides which (`stoodDown` of the engine's `sync.status()`).
 *
 * @param name the same as the store's
 */
export function openTabs(name: string, life: PageLife = documentLife, pauses: TabPauses = usualPauses): Tabs {
  if (typeof BroadcastChannel === 'undefined') return aloneTabs
  const channel = new BroadcastChannel(`entente-${name}`)
  const post = (message: LeadMessage): void => channel.postMessage(message)
  // Most orgs are open in one tab, and to copy all that it saves for nobody takes a twentieth of its time.
  let isAlone = true
  let listeners = 0
  const untold: { readonly message: unknown; readonly until: number }[] = []
  const forget = (now = performance.now()): void => {
    while ((untold[0]?.until ?? now) < now) untold.shift()
  }
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    // Who joined an org, or looked whether there is one to join, listens to nothing any more, though what it told may still be heard.
    if (isLeadMessage(data)) {
      if (data.lead === 'here' && listeners > 0) post({ lead: 'there' })
      isAlone = false
    }
    forget()
    for (const { message } of untold.splice(0)) channel.postMessage(message)
  })
  post({ lead: 'here' })
  return {
    lead: (lead, resign) => waitForLead({ lockName: `entente-${name}`, channel, post, life, pauses, lead, resign }),
    tell(message) {
      if (!isAlone) return channel.postMessage(message)
      forget()
      untold.push({ message, until: performance.now() + keptMs })
    },
    listen(hear, missed) {
      const listener = ({ data }: MessageEvent<unknown>): void => {
        if (!isLeadMessage(data)) hear(data)
      }
      channel.addEventListener('message', listener)
      listeners++
      const end = life.watch({ visibility: () => undefined, freeze: () => undefined, wake: () => missed?.() })
      return () => {
        end()
        listeners--
        channel.removeEventListener('message', listener)
      }
    },
  }
}

interface Waiting {
  readonly lockName: string
  readonly channel: BroadcastChannel
  readonly post: (message: LeadMessage) => void
  readonly life: PageLife
  readonly pauses: TabPauses
  readonly lead: () => void
  readonly resign: () => void
}

/** Waits for the lead, has it, and waits again, until the function that it returns is called. */
function waitForLead({ lockName, channel, post, life, pauses, lead, resign }: Waiting): () => void {
  /** Ends the present request for the lock, or gives the lock back. */
  let giveUp = (): void => undefined
  let leads = false
  let silence = pauses.silence
  /** When the tab that leads was heard last, or this one began to wait. */
  let heardAt = Date.now()
  let hiddenSince = life.isVisible() ? undefined : Date.now()
  let timer: ReturnType<typeof setTimeout> | undefined

  const request = (steal: boolean): void => {
    giveUp()
    const abort = new AbortController()
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    let isMine = true
    giveUp = () => {
      isMine = false
      abort.abort()
      release()
      if (leads) resign()
      leads = false
    }
    const granted = async (): Promise<void> => {
      if (!isMine) return
      leads = true
      lead()
      await held
    }
    // A request that is ended is rejected, and so is a lock that another tab takes by force.
    navigator.locks.request(lockName, steal ? { steal } : { signal: abort.signal }, granted).catch(() => {
      if (!isMine) return
      isMine = false
      if (leads) resign()
      leads = false
      silence *= 2
      wait(0)
    })
  }
  const wait = (delay: number): void => {
    giveUp()
    heardAt = Date.now()
    clearTimeout(timer)
    timer = setTimeout(() => {
      request(false)
      ask()
    }, delay)
  }
  const ask = (): void => {
    clearTimeout(timer)
    timer = setTimeout(ask, pauses.ask)
    if (leads) return
    if (Date.now() - heardAt > silence) {
      heardAt = Date.now()
      silence *= 2
      request(true)
    } else post({ lead: 'asked' })
  }
  const hear = ({ data }: MessageEvent<unknown>): void => {
    if (!isLeadMessage(data)) return
    if (data.lead === 'asked') {
      if (leads) post({ lead: 'led', hiddenMs: hiddenSince === undefined ? 0 : Date.now() - hiddenSince })
    } else if (data.lead === 'led' && !leads) {
      heardAt = Date.now()
      if (data.hiddenMs >= pauses.hidden && life.isVisible()) request(true)
    }
  }
  channel.addEventListener('message', hear)
  const unwatch = life.watch({
    visibility: () => {
      hiddenSince = life.isVisible() ? undefined : (hiddenSince ?? Date.now())
      if (!leads && hiddenSince === undefined) post({ lead: 'asked' })
    },
    // A frozen page neither works nor answers, and a lock that it is given would be lost to all.
    freeze: () => {
      clearTimeout(timer)
      giveUp()
    },
    wake: () => wait(0),
  })
  wait(life.isVisible() ? 0 : pauses.hiddenDelay)

  return () => {
    clearTimeout(timer)
    unwatch()
    channel.removeEventListener('message', hear)
    leads = false
    giveUp()
  }
}

/** A page that cannot hear others: each leads, until its store says no. */
const aloneTabs: Tabs = {
  lead(lead) {
    lead()
    return () => undefined
  },
  tell: () => undefined,
  listen: () => () => undefined,
}

const documentLife: PageLife = {
  isVisible: () => document.visibilityState === 'visible',
  watch({ visibility, freeze, wake }) {
    const events = [
      ['visibilitychange', visibility],
      ['freeze', freeze],
      ['resume', wake],
    ] as const
    for (const [name, call] of events) document.addEventListener(name, call)
    return () => {
      for (const [name, call] of events) document.removeEventListener(name, call)
    }
  },
}

function isLeadMessage(data: unknown): data is LeadMessage {
  return typeof data === 'object' && data !== null && 'lead' in data
}
