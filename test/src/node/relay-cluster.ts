import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { RelayProcess } from './relay-process.js'

/** Relays of one database behind one address, as a load balancer gives it: each new connection goes to the next relay that takes it. */
export class RelayCluster {
  readonly relays: readonly RelayProcess[]
  readonly #flags: readonly string[]
  readonly #balancer: Server
  #next = 0

  private constructor(relays: readonly RelayProcess[], flags: readonly string[], balancer: Server) {
    this.relays = relays
    this.#flags = flags
    this.#balancer = balancer
  }

  /** @param directory for what each relay keeps for itself; `store` is the database's URL */
  static async start(directory: string, store: string, count: number): Promise<RelayCluster> {
    const relays = Array.from({ length: count }, (_, index) => new RelayProcess(`${directory}/relay-${index}`))
    const balancer = createServer()
    await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve))
    const { port } = balancer.address() as AddressInfo
    const flags = ['--store', store, '--name', `127.0.0.1:${port}`, '--log-level', 'warn']
    const cluster = new RelayCluster(relays, flags, balancer)
    balancer.on('connection', (socket: Socket) => cluster.#pass(socket, count))
    await Promise.all(relays.map((relay) => relay.start(flags)))
    return cluster
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#balancer.address() as AddressInfo).port}/socket`
  }

  /** Starts a relay again that was killed, on the port that it had. */
  async restart(index: number): Promise<void> {
    await this.relays[index]?.start(this.#flags)
  }

  async stop(): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay.kill()))
    this.#balancer.close()
  }

  #pass(socket: Socket, tries: number): void {
    const relay = this.relays[this.#next++ % this.relays.length]
    if (!relay || tries === 0) {
      socket.destroy()
      return
    }
    const upstream = connect(relay.port, '127.0.0.1')
    let isThrough = false
    upstream.once('connect', () => {
      isThrough = true
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => (isThrough ? socket.destroy() : this.#pass(socket, tries - 1)))
    upstream.on('close', () => isThrough && socket.destroy())
    socket.on('error', () => upstream.destroy())
    socket.on('close', () => upstream.destroy())
  }
}
