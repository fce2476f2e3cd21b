//! `podseed completions` and `podseed man`: both made from the command line's own definition.

use std::io;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// The completion script for a shell.
pub fn completions(shell: Shell, command: &mut Command) -> String {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page in roff: the program, then each command with its options.
pub fn man(command: Command) -> io::Result<String> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut page = Vec::new();
    let program = Man::new(command.clone());
    program.render_title(&mut page)?;
    program.render_name_section(&mut page)?;
    program.render_synopsis_section(&mut page)?;
    program.render_description_section(&mut page)?;
    program.render_options_section(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    for command in leaves(&command) {
        page.push_str(&section(command)?);
    }
    Ok(page)
}

/// The commands that can be called: `config example`, not `config`.
fn leaves(command: &Command) -> Vec<Command> {
    let visible = command.get_subcommands().filter(|below| !below.is_hide_set());
    visible
        .flat_map(|below| if below.has_subcommands() { leaves(below) } else { vec![below.clone()] })
        .collect()
}

fn section(command: Command) -> io::Result<String> {
    // Built commands know their whole name; roff takes quotes around several words.
    let title = command.get_bin_name().unwrap_or(command.get_name()).to_uppercase();
    let man = Man::new(command);
    let mut parts = Vec::new();
    man.render_synopsis_section(&mut parts)?;
    man.render_description_section(&mut parts)?;
    man.render_options_section(&mut parts)?;
    let parts = String::from_utf8_lossy(&parts).replace(".SH ", ".SS ");
    Ok(format!(".SH \"{title}\"\n{parts}"))
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn program() -> Command {
        let latest = Arg::new("latest").long("latest").help("Only the newest");
        Command::new("podseed")
            .about("Podcast feeds in")
            .arg(Arg::new("json").long("json").action(ArgAction::SetTrue))
            .subcommand(Command::new("run").about("One pass").arg(latest))
            .subcommand(Command::new("config").subcommand(Command::new("example").about("Print an example")))
            .subcommand(Command::new("secret").hide(true))
    }

    #[test]
    fn the_manual_has_every_command_with_its_options() {
        let page = man(program()).unwrap();
        for part in [
            ".TH podseed 1",
            ".SH \"PODSEED RUN\"",
            "\\-\\-latest",
            ".SH \"PODSEED CONFIG EXAMPLE\"",
            "Print an example",
        ] {
            assert!(page.contains(part), "{part} is missing in:\n{page}");
        }
        assert!(!page.contains("SECRET"), "{page}");
    }

    #[test]
    fn every_shell_gets_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = completions(shell, &mut program());
            assert!(script.contains("latest") && script.contains("run"), "{shell}");
        }
    }
}
