import { defineElement } from '../base/define-element.js'
import { EntenteDevices } from '../devices/devices.js'

defineElement('entente-devices', EntenteDevices)

declare global {
  interface HTMLElementTagNameMap {
    'entente-devices': EntenteDevices
  }
}
