import { randomInt, randomUUID } from 'node:crypto'

/** A device that waits for somebody to approve it. */
export interface Device {
  readonly deviceCode: string
  readonly userCode: string
  readonly application: string
  readonly scope: string
  /** Epoch seconds. */
  readonly endsAt: number
  /** `organization/name`, once somebody has. */
  readonly approvedBy: string | undefined
  readonly used: boolean
}

export const deviceSeconds = 120
const mostDevices = 1000
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** The devices of an instance; the oldest go when there are too many. */
export class Devices {
  readonly #byCode = new Map<string, Device>()

  add(application: string, scope: string, nowSeconds: number): Device {
    const oldest = this.#byCode.keys().next()
    if (this.#byCode.size >= mostDevices && oldest.done !== true) this.#byCode.delete(oldest.value)
    const device: Device = {
      deviceCode: randomUUID(),
      userCode: randomLetters(6),
      application,
      scope,
      endsAt: nowSeconds + deviceSeconds,
      approvedBy: undefined,
      used: false,
    }
    this.#byCode.set(device.deviceCode, device)
    return device
  }

  byDeviceCode(code: string): Device | undefined {
    return this.#byCode.get(code)
  }

  /** The device that still waits under a code that people type. */
  waiting(userCode: string, nowSeconds: number): Device | undefined {
    const device = [...this.#byCode.values()].find((each) => each.userCode === userCode)
    return device === undefined || device.used || device.endsAt <= nowSeconds ? undefined : device
  }

  put(device: Device): void {
    this.#byCode.set(device.deviceCode, device)
  }
}

export function randomLetters(count: number): string {
  return Array.from({ length: count }, () => letters[randomInt(letters.length)] ?? '').join('')
}
