# Sallyport.  Everything is done by scripts/; each says at its head what it does and how it ends.
#
#   PROJECT=name    another appliance beside the first      CONFIG_DIR=dir  where its gateway.toml is (remembered)
#   DO="show ID"    for quarantine, directory, sieve     BACKUP=dir      for backup and restore
#   SERVICE=name    for logs and shell                      SENDER=…        for block and unblock
#   SECONDS=60      for fuzz
#   ENGINE=keep     do not install or start an engine       T=path          narrows test, unit and stack
export PROJECT CONFIG_DIR ENGINE SENDER TO FROM PROGRAM MESSAGE T YES ROUNDS QUICK PATIENCE QUEUES
SERVICE ?=
DO ?= list
SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: doctor explain quarantine directory sieve help up down status demo logs shell check plan apply block unblock backup restore try-command test lint unit stack test-corpus test-faults bench bench-memory bench-directory bench-tuning fuzz clean

help: ## Show this list
	@awk -F':.*## ' '/^##@/ {print "\n" substr($$0,5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

##@ Run
up: ## Build, render, start, wait until healthy (installs a Docker engine where none runs)
	@scripts/up
down: ## Stop and remove the containers and networks; mail, queues and settings stay
	@scripts/compose --profile '*' down
status: ## Health, generations, queues
	@scripts/status
doctor: ## What is no mistake and should be known: certificates, passwords, modes of secrets
	@scripts/doctor
demo: ## Send a message to anna@example.test and show its way through both gates
	@scripts/demo
explain: ## What would become of a message, step by step: FILE=mail.eml FROM=… TO="… …" CLIENT=192.0.2.7
	@scripts/explain $(FILE) --from "$(FROM)" $(addprefix --to ,$(TO)) $(addprefix --client ,$(CLIENT)) $(addprefix --listener ,$(LISTENER))
quarantine: ## What is held: DO="show ID", DO="release ID", DO="delete ID"; lists without
	@scripts/quarantine $(DO)
sieve: ## Scripts of a mailbox: DO="put anna@example.test FILE", get and check likewise; DO="list USER"
	@scripts/sieve $(DO)
directory: ## Who there is: DO="mailbox list", DO="domain add example.test", DO="alias --help"
	@scripts/directory $(if $(filter list,$(DO)),mailbox list,$(DO))
logs: ## Follow the logs; SERVICE=postfix-pre for one
	@if [ -t 1 ]; then scripts/compose logs -f --tail 200 $(SERVICE); else scripts/compose logs $(SERVICE) | sed 's/\x1b\[2K//'; fi
shell: ## A shell in SERVICE=postfix-pre
	@scripts/compose exec $(or $(SERVICE),$(error which one? SERVICE=bind, postfix-pre, filter or postfix-post)) bash

##@ Change
check: ## Look for mistakes in gateway.toml, and run your cases in config/tests
	@scripts/check
plan: ## Show what apply would change in what runs
	@scripts/plan
apply: ## Bring gateway.toml to what runs: checked first, rolled back if refused
	@scripts/apply
block: ## Refuse a sender: SENDER=spam.example
	@scripts/block block
unblock: ## Take a sender out of the blacklist: SENDER=spam.example
	@scripts/block unblock
backup: ## Copy settings, mail, quarantine, queues and directory to BACKUP=dir, while it runs
	@scripts/backup $(BACKUP)
restore: ## Bring BACKUP=dir to a host where this project is not yet; QUEUES=release where it was stopped
	@scripts/restore $(BACKUP)
try-command: ## Run a program of commands/ by hand: PROGRAM=sample MESSAGE=message.eml
	@scripts/try-command

##@ Develop
test: ## Everything: lint, types, unit, golden, stack; T=tests/unit/check narrows
	@scripts/test
lint: ## Linters, types, import rules, Dockerfiles, scripts, compose.yaml
	@scripts/test lint
unit: ## Unit and golden tests only, without a network
	@scripts/test unit
stack: ## Tests against real containers only
	@scripts/test stack
test-corpus: ## Send 6,000 real messages through it and compare each octet; T=500 takes a sample
	@scripts/test corpus
test-faults: ## Kill, stop, cut and fill everything under load, and count each message; T=14 takes one row
	@scripts/test faults $(if $(JSON),--json)
bench: ## What the hop costs, beside four others: 12 minutes; ROUNDS=1 for less, QUICK=1 to try
	@scripts/test bench
bench-memory: ## What memory the filter takes: large messages, an endless line, 50,000 messages
	@scripts/test bench memory
bench-directory: ## What a look-up costs with 100 and with 100,000 mailboxes in the directory
	@scripts/test bench directory
bench-tuning: ## What single settings of the gates are worth
	@scripts/test bench tuning
fuzz: ## What gate 1 and gate 2 may say, at random, for SECONDS=60; what it learns is kept
	@scripts/test fuzz $(SECONDS)
clean: ## Remove this project's containers, networks, volumes and images (asks first; YES=1 does not)
	@scripts/clean
