import ControlClient
import Glibc
import LinuxSystem

@main struct Uploaderctl {
    static func main() { exit(ControlTool.main(ProcessArguments.all)) }
}
