import { type Call, readForm } from '../interface/call.ts'
import { clientOf } from '../rows/clients.ts'
import type { Answer } from '../interface/envelope.ts'
import type { Instance } from '../instance.ts'
import { approvedPage, loginPage, mistakePage } from './pages.ts'
import { judgePassword, judgeUser, refusePasswords } from './sign-in.ts'
import { idOf } from '../rows/table.ts'

/** Where a device sends people to, with its code after it. */
export const deviceFolder = '/login/oauth/device/'

/** The page on which somebody signs a device in, as `POST /api/login` of type `device` does. */
export function answerDevicePage(instance: Instance, call: Call): Answer {
  const device = instance.devices.waiting(call.path.slice(deviceFolder.length), instance.nowSeconds())
  const application = device && instance.applications.get(`admin/${device.application}`)
  if (device === undefined || application === undefined) {
    return mistakePage('No device waits for this code. Start again on the device.')
  }
  const form = readForm(call)
  if (call.method !== 'POST' || form['action'] !== 'login') return loginPage(application, '')
  const { username = '', password = '' } = form
  const refusal = refusePasswords(application)
  if (refusal !== undefined) return loginPage(application, username, refusal)
  const client = clientOf(application)
  const known = judgePassword(instance, application, client.organization, username, password)
  const judged = known.ok ? judgeUser(instance, client, known.user) : known
  if (!judged.ok) return loginPage(application, username, judged.message)
  instance.devices.put({ ...device, approvedBy: idOf(judged.user) })
  return approvedPage(application)
}
