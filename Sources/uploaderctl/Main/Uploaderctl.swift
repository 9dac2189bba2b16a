import ControlClient
import Glibc

@main struct Uploaderctl {
    static func main() { exit(ControlTool.main(Array(CommandLine.arguments.dropFirst()))) }
}
