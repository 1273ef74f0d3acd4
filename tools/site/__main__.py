from tools.site.make import command

command()
