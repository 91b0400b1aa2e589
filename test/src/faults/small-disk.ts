import { execFile } from 'node:child_process'
import { open, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const blockBytes = 4_096

/**
 * A disk of a few megabytes for one test, which can be filled, emptied, and made to fail. Needs the right to mount (`whyNot` tells).
 *
 * - `memory`: a tmpfs.
 * - `device`: ext4 on a loop device. Its file system turns itself read-only at an error, under the feet of whoever has files open, as a
 *   disk that begins to fail makes it do.
 */
export class SmallDisk {
  readonly directory: string
  readonly #root: string
  readonly #device: string | undefined

  private constructor(root: string, device: string | undefined) {
    this.#root = root
    this.#device = device
    this.directory = join(root, 'disk')
  }

  /** Why a disk of this kind cannot be had here, or undefined where it can. */
  static async whyNot(kind: 'memory' | 'device'): Promise<string | undefined> {
    try {
      await (await SmallDisk.mount(kind, 4)).remove()
      return undefined
    } catch (error) {
      return `no right to mount, or no tool for it: ${error instanceof Error ? (error.message.split('\n')[1] ?? error.message) : String(error)}`
    }
  }

  static async mount(kind: 'memory' | 'device', megabytes: number): Promise<SmallDisk> {
    const root = await mkdtemp(join(tmpdir(), 'entente-disk-'))
    const target = join(root, 'disk')
    await run('mkdir', [target])
    if (kind === 'memory') {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', target])
      return new SmallDisk(root, undefined)
    }
    const image = join(root, 'image')
    await run('truncate', ['-s', `${megabytes}M`, image])
    await run('mkfs.ext4', ['-q', image])
    const device = (await run('losetup', ['-f', '--show', image])).stdout.trim()
    const disk = new SmallDisk(root, device)
    await disk.mountAgain()
    return disk
  }

  /** Takes all the room that is left. */
  async fill(): Promise<void> {
    const file = await open(join(this.directory, 'ballast'), 'w')
    try {
      for (const size of [64 * blockBytes, blockBytes, 1]) await writeUntilFull(file, size)
    } finally {
      await file.close()
    }
  }

  /** Gives the room back that `fill` took. */
  async empty(): Promise<void> {
    await rm(join(this.directory, 'ballast'), { force: true })
  }

  async free(): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory)
    return bavail * bsize
  }

  /** Makes it read-only while nobody has a file open for writing, or writable again. */
  async remount(how: 'ro' | 'rw'): Promise<void> {
    await run('mount', ['-o', `remount,${how}`, this.directory])
  }

  /** Lets no file in it be written any more, also not by who has it open, or lifts that again. Only for a `device`. */
  async forbid(isForbidden: boolean): Promise<void> {
    const entries = await readdir(this.directory, { recursive: true, withFileTypes: true })
    // Not the index that is mapped into memory: to write into a forbidden mapping ends a process at once, which no disk that fails does.
    const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('-shm'))
    await run('chattr', [isForbidden ? '+i' : '-i', ...files.map((file) => join(file.parentPath, file.name))])
  }

  /** Lets the file system find an error: it is read-only from now on, until it is mounted again. Only for a `device`. */
  async fail(): Promise<void> {
    // What lies written is what shows whether anything in memory still asks for a write, so nothing may be on its way.
    await run('sync', ['-f', this.directory])
    await run('sh', ['-c', `echo 1 > /sys/fs/ext4/${basename(this.#device ?? '')}/trigger_fs_error`])
  }

  /** Mounts a failed `device` again, as an operator would after looking at it; nobody may have a file open. */
  async mountAgain(): Promise<void> {
    await run('umount', [this.directory]).catch(() => {})
    await run('mount', ['-o', 'errors=remount-ro', this.#device ?? '', this.directory])
  }

  async remove(): Promise<void> {
    await run('umount', [this.directory])
    if (this.#device !== undefined) await run('losetup', ['-d', this.#device])
    await rm(this.#root, { recursive: true, force: true })
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, size: number): Promise<void> {
  const block = Buffer.alloc(size, 0x5a)
  for (;;) {
    try {
      if ((await file.write(block)).bytesWritten < size) return
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}
